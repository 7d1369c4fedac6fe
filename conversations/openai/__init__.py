"""The client of the Conversations API: one call a method, and nothing but HTTP. Knows nothing of Django."""
