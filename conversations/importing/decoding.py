"""From the bytes of a file to its text, and to its lines."""

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from .shapes import ImportProblem

GZIP = b"\x1f\x8b"
OVERLAP = 512  # characters that two pieces of a line have in common; longer than any id
_OTHER_FORMATS = {
    b"PK\x03\x04": "This is a zip archive, or a spreadsheet file such as .xlsx.",
    b"%PDF": "This is a PDF.",
    b"\xd0\xcf\x11\xe0": "This is an old spreadsheet file such as .xls.",
    b"BZh": "This is compressed with bzip2.",
    b"\xfd7zXZ": "This is compressed with xz.",
    b"\x28\xb5\x2f\xfd": "This is compressed with Zstandard.",
    b"SQLite format 3": "This is an SQLite database.",
    b"PAR1": "This is a Parquet file.",
}
_MARKS = (  # the longer ones first: UTF-32 begins like UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1a]")
_BREAK = re.compile(r"\r\n|\n|\r")
ADVICE = "Unpack it, or save it as CSV or text, and import that."


def text_of(chunks: Iterable[bytes], *, is_cut: bool = False) -> Iterator[str]:
    """The text of a file, in pieces. Bytes that aren't text are replaced.

    `is_cut`: only its beginning is there, so that an incomplete end is no problem. Raises ImportProblem for compressed
    or binary files that can't be read.
    """
    plain = _unzipped(chunks, is_cut=is_cut)
    head = _head(plain)
    decoder = codecs.getincrementaldecoder(_encoding(head))(errors="replace")
    for chunk in chain([head], plain):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


class Line(NamedTuple):
    """A line without its end, or a part of a long one. `goes_on`: the next part begins OVERLAP characters before the
    end of this one."""

    text: str
    goes_on: bool = False


def lines_of(pieces: Iterable[str], *, limit: int) -> Iterator[Line]:
    """The lines of a text, which end with LF, CRLF or CR, in parts of at most `limit` characters."""
    rest: list[str] = []
    length = 0
    ends_with_return = False
    for piece in pieces:
        if ends_with_return and piece.startswith("\n"):
            piece = piece[1:]
        ends_with_return = piece.endswith("\r") if piece else ends_with_return
        first, *others = _BREAK.split(piece)
        rest.append(first)
        length += len(first)
        if others:
            yield Line("".join(rest))
            yield from map(Line, others[:-1])
            rest, length = [others[-1]], len(others[-1])
        while length > limit:
            line = "".join(rest)
            yield Line(line[:limit], goes_on=True)
            rest = [line[limit - OVERLAP :]]
            length = len(rest[0])
    if length:
        yield Line("".join(rest))


def _head(chunks: Iterator[bytes]) -> bytes:
    """At least the first few bytes, by which the encoding is told."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 4096:
            break
    return head


def _encoding(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    for start, name in _OTHER_FORMATS.items():
        if head.startswith(start):
            raise ImportProblem(f"{name} {ADVICE}")
    even, odd = head[0:2000:2].count(0), head[1:2000:2].count(0)
    pairs = max(1, min(len(head), 2000) // 2)
    if even + odd == 0:
        return "utf-8"
    if odd > 0.4 * pairs and even < 0.1 * pairs:
        guess = "utf-16-le"
    elif even > 0.4 * pairs and odd < 0.1 * pairs:
        guess = "utf-16-be"
    else:
        guess = ""
    if guess and not _CONTROL.search(head[:2000].decode(guess, errors="replace")):
        return guess
    raise ImportProblem(f"This isn’t text. {ADVICE}")


def _unzipped(chunks: Iterable[bytes], *, is_cut: bool) -> Iterator[bytes]:
    """The bytes, decompressed if they are gzip."""
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= len(GZIP):
            break
    if not head.startswith(GZIP):
        yield from chain([head], source)
        return
    try:
        yield from _members(chain([head], source), is_cut=is_cut)
    except zlib.error:
        raise ImportProblem("The gzip file is damaged. Compress it again, or import it without compression.") from None


def _members(chunks: Iterable[bytes], *, is_cut: bool) -> Iterator[bytes]:
    """The content of a gzip file, which may consist of several."""
    unzip = zlib.decompressobj(wbits=31)
    is_open = False  # whether a member has begun that hasn't ended
    for chunk in chunks:
        data = chunk
        while data:
            # A little at a time: a megabyte may unfold to a gigabyte.
            yield unzip.decompress(data, 1024 * 1024)
            data, is_open = unzip.unconsumed_tail, not unzip.eof
            if unzip.eof:
                data = unzip.unused_data.lstrip(b"\0")
                unzip = zlib.decompressobj(wbits=31)
    if is_open and not is_cut:
        raise ImportProblem("The gzip file is incomplete. Upload it again.")
