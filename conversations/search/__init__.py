"""The search: from a query and the credentials that someone may see to conversations, newest or oldest first.

    conditions   what a query asks of one credential's conversations, looked up in the index
    sources      the conversations that meet a condition, in order
    walk         one credential's matches in order, block by block, and several credentials' merged
    result       pages, number and neighbours
    overview     number, counts and histogram, from one walk
    completion   what the search box can be completed to

The search runs for each visible credential, over terms of that credential only (R23).
"""

from .overview import Overview
from .result import Number, ResultPage, Search

__all__ = ["Number", "Overview", "ResultPage", "Search"]
