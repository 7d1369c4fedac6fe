"""Items of a conversation, prepared for display: who says or does what, in blocks of text. Pure.

    kinds   displayed(): an item of any type as a label, a few fields and blocks
    tools   blocks of tool calls and their outputs
    parts   blocks of the content parts of messages and outputs
    blocks  the blocks themselves: text, code, references, images, sound
    media   recognizes images and sound in base64 by their bytes
    turns   pairs calls with their outputs
    lines   a call with its output, or a reasoning, in one line
    finding    finds a text in items
    rendering  Markdown of messages as sanitised HTML
    unanswered_calls  finds calls without an output

Unknown types, roles and parts are shown as JSON, never as an error, and so are fields that differ from the documented
schema. Source: the item schemas in OpenAI's API reference.
"""

from .blocks import Block
from .kinds import DisplayedItem, displayed
from .lines import Line, line_of
from .turns import Partner, Turn, partner_of, turns

__all__ = ["Block", "DisplayedItem", "Line", "Partner", "Turn", "displayed", "line_of", "partner_of", "turns"]
