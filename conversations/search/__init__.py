"""The search: from a query and the credentials that someone may see to conversations, newest or oldest first.

    conditions   what a query asks of one credential's conversations, looked up in the index
    sources      where the conversations that meet a condition can be read and asked for
    walk         one credential's matches in order, block by block; several credentials' merged
    search       pages, numbers and neighbours of a result
    overview     its number, counts and histogram, for which there is one walk
    completion   what the search box can be completed to

The search runs for each visible credential, over terms of that credential only (R23).
"""

from .overview import Overview
from .result import Number, Page, Search

__all__ = ["Number", "Overview", "Page", "Search"]
