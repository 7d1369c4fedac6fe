"""Example conversations that the sandbox and the index are seeded with."""
