"""The search index: terms and postings, their one write path, the rebuild, and the trigrams."""
