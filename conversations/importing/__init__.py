"""Ids in files that people have: lists, tables, JSON, traces and logs. Pure.

    preview(head)                what the beginning of a file looks like, and how the file would be read
    read_ids(chunks, shape, …)   the ids of the whole file, one after the other, with little memory

decoding    bytes to lines, whatever the encoding and the compression
recognising ids in text, and in the objects of JSON
tables      CSV
documents   JSON
previews    guesses the shape of a file
reading     reads a file of a known shape
shapes      what the others share
"""

from .previews import preview
from .reading import read_ids
from .shapes import Format, FoundId, ImportProblem, Preview, Shape, Tally

__all__ = ["Format", "FoundId", "ImportProblem", "Preview", "Shape", "Tally", "preview", "read_ids"]
