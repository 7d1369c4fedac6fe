"""Ids in files that people have: lists, tables, JSON, traces and logs. Pure.

    preview(head)                 what the beginning of a file looks like, and how the file would be read
    read_ids(chunks, shape, …)    the ids of the whole file, one after the other, with little memory
    ids_in_text(text)             the ids in text that was pasted

decoding     bytes to text, whatever the encoding and the compression
lines        text to lines, where a long one comes in parts
recognising  ids in text
records      ids in values of JSON, by the keys that known formats have
documents    JSON, and JSON Lines
tables       CSV
guessing     the shape of a file, by its beginning
reading      reads a file of a known shape
previews     what a person sees before the import
shapes       what the others share
"""

from .previews import ids_in_text, preview
from .reading import read_ids
from .shapes import Format, FoundId, ImportProblem, Preview, Shape, Tally

__all__ = ["Format", "FoundId", "ImportProblem", "Preview", "Shape", "Tally", "ids_in_text", "preview", "read_ids"]
