"""Encodings, compression, and files that aren't text."""

import gzip
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.importing import Format, ImportProblem, Shape, Tally, preview, read_ids
from tests.importing.steps import A, B, chunks_of, conv, read

LINES = f"{A}\r\n{B}\r\n"
MANY = "".join(f"{conv(number)}\n" for number in range(5_000)).encode()
LIST = Shape(Format.LIST)

PIECES = st.sampled_from(
    [A, B, "conv_", "/conversations/", "abc12345", "\r", "\n", "\r\n", ",", ";", '"', "{", "}", "[", "]", ":", "id",
     " ", '{"conversation_id": "', '"}', "é", "😀", "\t", "\\", "\0", "'", "\ud800"]
)  # fmt: skip
CONTENTS = st.one_of(
    st.binary(max_size=300),
    st.lists(PIECES, max_size=30).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass")),
    st.lists(PIECES, max_size=30).map(lambda parts: "".join(parts).encode("utf-16", "surrogatepass")),
    st.lists(PIECES, max_size=30).map(lambda parts: gzip.compress("".join(parts).encode("utf-8", "replace"))),
)
SHAPES = st.sampled_from(
    [Shape(Format.CSV, ",", 0), Shape(Format.CSV, ";", 1, has_header=True), *(Shape(each) for each in Format)]
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(encoding: str) -> None:
    assert read(LINES.encode(encoding), size=3) == [A, B]


def test_marks_of_the_other_byte_order() -> None:
    assert read(b"\xfe\xff" + LINES.encode("utf-16-be")) == [A, B]
    assert read(b"\0\0\xfe\xff" + LINES.encode("utf-32-be")) == [A, B]


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert read(f"français {A}\n".encode("latin-1") + B.encode()) == [A, B]


def test_a_character_that_is_cut_by_a_chunk() -> None:
    assert read(f"😀é{A}\n".encode(), size=1) == [A]


@pytest.mark.parametrize("size", [1, 2, 7, 1 << 20])
def test_gzip_in_chunks(size: int) -> None:
    assert read(gzip.compress(LINES.encode()), size=size) == [A, B]


def test_a_gzip_file_of_several_members() -> None:
    members = gzip.compress(A.encode() + b"\n") + gzip.compress(b"", mtime=0) + gzip.compress(B.encode()) + b"\0" * 20
    assert read(members, size=5) == [A, B]


def test_gzipped_utf_16() -> None:
    assert read(gzip.compress(LINES.encode("utf-16"))) == [A, B]


@pytest.mark.parametrize("kept", [5, 15, 1_000, -1, -8])
def test_a_truncated_gzip_file(kept: int) -> None:
    with pytest.raises(ImportProblem, match="incomplete"):
        list(read_ids([gzip.compress(MANY)[:kept]], LIST, Tally()))


def test_a_damaged_gzip_file() -> None:
    data = bytearray(gzip.compress(MANY))
    data[len(data) // 2] ^= 255
    with pytest.raises(ImportProblem, match="damaged"):
        list(read_ids([bytes(data)], LIST, Tally()))


def test_the_preview_of_a_gzip_file_that_is_cut() -> None:
    assert preview(gzip.compress(MANY)[:4_000]).ids[:2] == [conv(0), conv(1)]


def test_a_file_that_is_compressed_twice() -> None:
    with pytest.raises(ImportProblem, match="twice"):
        preview(gzip.compress(gzip.compress(MANY)))


def test_a_zip_archive_named_csv() -> None:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("ids.csv", LINES)
    with pytest.raises(ImportProblem, match=r"zip archive, or a spreadsheet file such as \.xlsx\. Unpack it"):
        preview(file.getvalue())


@pytest.mark.parametrize(
    "head", [b"%PDF-1.7\n", b"\xd0\xcf\x11\xe0", b"BZh91AY", b"\xfd7zXZ\0", b"PAR1", b"MZ\0\1", b"\0\1\2\xff"]
)
def test_other_files_that_are_no_text(head: bytes) -> None:
    with pytest.raises(ImportProblem, match="and import that"):
        list(read_ids([head + b"\0\1\2" * 100], LIST, Tally()))


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n \r\n", b"\xff\xfe", gzip.compress(b"", mtime=0)])
def test_an_empty_file(data: bytes) -> None:
    with pytest.raises(ImportProblem, match="empty"):
        preview(data)


def test_reading_an_empty_file() -> None:
    with pytest.raises(ImportProblem, match="empty"):
        list(read_ids([b"", b""], LIST, Tally()))


def result(chunks: list[bytes], shape: Shape) -> tuple[list[tuple[str, int]], str]:
    found = []
    try:
        for each in read_ids(chunks, shape, Tally()):
            found.append((each.id, each.line))
    except ImportProblem as problem:
        return found, str(problem)
    return found, ""


@pytest.mark.long
@given(CONTENTS, SHAPES, st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_any_chunks_give_the_same_ids(content: bytes, shape: Shape, size: int) -> None:
    assert result(list(chunks_of(content, size)), shape) == result([content], shape)


@pytest.mark.long
@given(CONTENTS)
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise_anything_but_a_problem(content: bytes) -> None:
    try:
        shown = preview(content)
    except ImportProblem:
        return
    assert all(1 <= len(each) <= 255 for each, _ in result([content], shown.shape)[0])


@pytest.mark.long
@given(CONTENTS, SHAPES)
@settings(max_examples=300, deadline=None)
def test_no_id_has_what_ids_never_have(content: bytes, shape: Shape) -> None:
    unusable = set("/\0\n\r\t \ufffd\ud800")
    assert not any(unusable & set(each) for each, _ in result([content], shape)[0])


@pytest.mark.long
@given(CONTENTS, SHAPES)
@settings(max_examples=200, deadline=None)
def test_the_preview_of_any_bytes_in_any_shape(content: bytes, shape: Shape) -> None:
    try:
        shown = preview(content, shape)
    except ImportProblem:
        return
    assert (shown.shape, len(shown.rows) <= 10, len(shown.ids) <= 10) == (shape, True, True)
