"""Files that people download.

search_results  all conversations that match a search, as CSV, JSON or JSON Lines
transcripts     the items of a conversation, as Markdown, JSON, JSON Lines or CSV
receipt         what an erasure deleted, and how that is known, as JSON
csv             CSV that spreadsheets read correctly and take no formulas from
"""
