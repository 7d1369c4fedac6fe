"""Files that people download: the rows of a search, transcripts, receipts of erasures."""
