"""The ids of a whole file, one after the other."""

from collections.abc import Iterable, Iterator

from .decoding import text_of
from .documents import ids_of_documents, ids_of_lines
from .lines import is_blank, lines_of
from .recognising import ids_in, ids_in_entry, ids_in_parts
from .shapes import Format, FoundId, ImportProblem, Numbered, Shape, Tally
from .tables import ids_of_rows

NOTHING = (
    "No ids were found. The id of a conversation looks like conv_68a1…, or stands alone in a line, in a column, "
    "or under a key such as conversation_id. Choose another file."
)


def read_ids(chunks: Iterable[bytes], shape: Shape, tally: Tally) -> Iterator[FoundId]:
    """The ids of a file, with their lines; one that a line has twice comes once. Counts in `tally`.

    Raises ImportProblem for a file that can't be read, and at the end of one that has no ids.
    """
    before = tally.found
    yield from counted(ids_by_line(text_of(chunks), shape), tally)
    if tally.found == before:
        raise ImportProblem(NOTHING)


def ids_by_line(pieces: Iterable[str], shape: Shape, *, is_cut: bool = False) -> Numbered:
    """The ids of each line, row or record that isn't blank; of a large record, they come several times."""
    if shape.format == Format.CSV:
        return ids_of_rows(pieces, shape)
    if shape.format == Format.JSON:
        return ids_of_documents(pieces, is_cut=is_cut)
    if shape.format == Format.JSON_LINES:
        return ids_of_lines(pieces)
    return _of_text(pieces, is_list=shape.format == Format.LIST)


def counted(numbered: Numbered, tally: Tally) -> Iterator[FoundId]:
    """The ids, each with its number, and counted."""
    last, has_id = 0, True
    for number, ids in numbered:
        if number != last:
            tally.lines += 1
            tally.without_id += not has_id
            last, has_id = number, False
        for each in ids:
            has_id = True
            tally.found += 1
            yield FoundId(each, number)
    tally.without_id += not has_id


def _of_text(pieces: Iterable[str], *, is_list: bool) -> Numbered:
    for number, line in enumerate(lines_of(pieces), start=1):
        if isinstance(line, str):
            if not is_blank(line):
                yield number, ids_in_entry(line) if is_list else ids_in(line)
        else:
            yield number, ids_in_parts(line)
