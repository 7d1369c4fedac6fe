"""Items of a conversation, ready to be shown: who says or does it, and what, in blocks of text. Pure.

    blocks    what an item is shown as: text, code, references, things that are not shown
    parts     the parts of messages and outputs
    kinds     what each type of item holds
    turns     items as they are read: a call with its output beside it
    markdown  the same as a file

All content is text, whatever it holds. A type, role or part that is not known shows as its JSON, never as an error;
so does a field that is not of the form that the API documents. Source: the item schemas of the API's reference.
"""

from .blocks import Block
from .kinds import DisplayedItem, displayed
from .turns import Partner, Turn, partner_of, turns

__all__ = ["Block", "DisplayedItem", "Partner", "Turn", "displayed", "partner_of", "turns"]
