"""From the bytes of a file to its text, whatever the encoding and the compression."""

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from .shapes import ImportProblem

BLOCK = 64 * 1024  # bytes that are decoded at once, however the file arrives
COMPRESSED_BLOCK = 4 * 1024  # unfolds to 4 MB at most
HEAD = 4 * 1024  # bytes by which the encoding is told
RUN = 1024  # characters; at most a few times as much is kept of letters and digits without an end

GZIP = b"\x1f\x8b"
ADVICE = "Unpack it, or save it as CSV or text, and import that."
EMPTY = "The file is empty. Choose a file that contains ids."
_OTHER_FORMATS = {
    b"PK\x03\x04": "This is a zip archive, or a spreadsheet file such as .xlsx. "
    "Unpack it, or save the table as CSV, and import that.",
    b"%PDF": "This is a PDF file. Save its text or table as CSV or text, and import that.",
    b"\xd0\xcf\x11\xe0": "This is an old spreadsheet file such as .xls. Save the table as CSV, and import that.",
    b"BZh9": f"This file is compressed with bzip2. {ADVICE}",
    b"\xfd7zXZ\0": f"This file is compressed with xz. {ADVICE}",
    b"7z\xbc\xaf\x27\x1c": f"This is a 7z archive. {ADVICE}",
    b"\x28\xb5\x2f\xfd": f"This file is compressed with Zstandard. {ADVICE}",
    b"SQLite format 3\0": "This is an SQLite database. Save its table as CSV, and import that.",
    b"PAR1": "This is a Parquet file. Save its table as CSV, and import that.",
    GZIP: "This file is compressed with gzip twice. Unpack it once, and import that.",
}
_MARKS = (  # UTF-32 first, because its mark begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1a]")  # in no text; the rest may be in logs
_RUN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def text_of(chunks: Iterable[bytes], *, is_cut: bool = False) -> Iterator[str]:
    """The text of a file in pieces, where bytes that aren't text are replaced, and long base64 is shortened.

    `is_cut`: only the beginning of the file is there, so an incomplete end is no problem. Raises ImportProblem for an
    empty, binary or damaged file.
    """
    blocks = _blocks(_unzipped(_blocks(chunks, COMPRESSED_BLOCK), is_cut=is_cut), BLOCK)
    first = next(blocks, b"")
    if not first:
        raise ImportProblem(EMPTY)
    decoder = codecs.getincrementaldecoder(_encoding(first[:HEAD]))(errors="replace")
    return _shortened(_decoded(decoder, chain([first], blocks), is_cut=is_cut))


def _decoded(decoder: codecs.IncrementalDecoder, blocks: Iterable[bytes], *, is_cut: bool) -> Iterator[str]:
    for block in blocks:
        yield decoder.decode(block)
    if not is_cut:
        yield decoder.decode(b"", final=True)


def _blocks(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks of one size, so that nothing depends on how they arrive."""
    kept = bytearray()
    for chunk in chunks:
        start = 0
        while len(kept) + len(chunk) - start >= size:
            end = start + size - len(kept)
            yield bytes(kept + chunk[start:end]) if kept else bytes(chunk[start:end])
            kept.clear()
            start = end
        kept += chunk[start:]
    if kept:
        yield bytes(kept)


def _encoding(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    for beginning, message in _OTHER_FORMATS.items():
        if head.startswith(beginning):
            raise ImportProblem(message)
    if b"\0" not in head:
        return "utf-8"
    pairs = max(len(head) // 2, 1)
    even, odd = head[::2].count(0) / pairs, head[1::2].count(0) / pairs
    if min(even, odd) < 0.1 and max(even, odd) > 0.3:
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        if not _CONTROL.search(head.decode(encoding, errors="replace")):
            return encoding
    raise ImportProblem("This file contains no text. Save it as CSV, JSON or text, and import that.")


def _unzipped(blocks: Iterator[bytes], *, is_cut: bool) -> Iterator[bytes]:
    """The bytes, unpacked if they are gzip."""
    first = next(blocks, b"")
    if not first.startswith(GZIP):
        yield from chain([first], blocks)
        return
    try:
        yield from _members(chain([first], blocks), is_cut=is_cut)
    except zlib.error:
        raise ImportProblem("The gzip file is damaged. Compress it again, or import it uncompressed.") from None


def _members(blocks: Iterable[bytes], *, is_cut: bool) -> Iterator[bytes]:
    """The content of a gzip file, which may consist of several."""
    member = zlib.decompressobj(wbits=31)
    is_open = False
    for block in blocks:
        data = block
        while data := data if is_open else data.lstrip(b"\0"):  # some programs pad the end with zeros
            yield member.decompress(data)
            data, is_open = member.unused_data, not member.eof
            if member.eof:
                member = zlib.decompressobj(wbits=31)
    if is_open and not is_cut:
        raise ImportProblem("The gzip file is incomplete: its end is missing. Compress or upload it again.")


def _shortened(pieces: Iterable[str]) -> Iterator[str]:
    """The text without the middle of long base64, such as images in conversations, which would need much memory.

    No id is lost, because none is as long.
    """
    is_in_run = False
    for piece in pieces:
        kept = []
        for start in range(0, len(piece), RUN):
            part = piece[start : start + RUN]
            is_run = len(part) == RUN and not part.strip(_RUN_CHARACTERS)
            if not (is_run and is_in_run):
                kept.append(part)
            is_in_run = is_run
        yield "".join(kept) if len(kept) * RUN < len(piece) else piece
