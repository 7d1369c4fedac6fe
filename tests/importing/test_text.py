"""Lists, logs, encodings and compression."""

import gzip
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.importing import Format, ImportProblem, Shape, preview
from tests.importing.steps import A, B, C, conv, read, tally_of

UUID = "3f2c1b9e-5a77-4c1e-9d1b-0a2b3c4d5e6f"


def test_a_list() -> None:
    assert read(f"{A}\n{B}\n") == [A, B]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_end_of_line_and_blank_lines(end: str) -> None:
    assert read(end.join([A, "", "  ", B, ""])) == [A, B]


def test_quotes_and_commas_around_ids() -> None:
    assert read(f"\"{A}\",\n'{B}';\n  {C} ,") == [A, B, C]


def test_a_list_of_uuids() -> None:
    assert read(f"{UUID}\n{UUID[::-1]}\n") == [UUID, UUID[::-1]]


def test_repeated_ids_are_counted_and_handed_on() -> None:
    tally = tally_of(f"{A}\n{A}\n{B}\n\n")
    assert (tally.lines, tally.found, tally.without_id) == (3, 3, 0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings(encoding: str) -> None:
    assert read(f"{A}\r\n{B}\r\n".encode(encoding)) == [A, B]


def test_text_that_is_not_utf_8_is_read_all_the_same() -> None:
    assert read(f"fran\u00e7ais {A}\n".encode("latin-1")) == [A]


def test_ids_inside_a_log() -> None:
    log = (
        f"[2026-11-01 12:00:01] INFO created {A} for user 7\n"
        "[2026-11-01 12:00:02] WARN nothing here\n"
        f"[2026-11-01 12:00:03] GET https://api.openai.com/v1/conversations/{B}/items?limit=3 200\n"
    )
    assert read(log) == [A, B]
    assert tally_of(log).without_id == 1


def test_an_id_of_another_server_inside_a_url() -> None:
    assert read(f"POST http://10.0.0.1/v1/conversations/{UUID}/items HTTP/1.1 200\nand so on\n") == [UUID]


def test_an_id_that_is_part_of_a_longer_word_is_none() -> None:
    assert read(f"my{A} is not one, but {B} is\nand so on\n") == [B]


def test_emoji_and_right_to_left_text_around_ids() -> None:
    assert read(f"🙂{A}🙂 שלום {B}، done\nmore text\n") == [A, B]


def test_one_line_may_have_many_ids() -> None:
    assert read(f"x {A} y {B} z {A}\nand so on\n") == [A, B]


@pytest.mark.long
def test_a_line_of_10_megabytes() -> None:
    filler = " no id here, " * 400_000
    assert read(f"{filler}{A}{filler}{B}{filler}\nlast line {C} of it\n") == [A, B, C]


@pytest.mark.long
def test_a_line_longer_than_any_limit_loses_no_id_and_repeats_none() -> None:
    expected = [conv(number) for number in range(700)]
    filler = "x" * 50_000
    line = " ".join(
        f"{filler[: random.Random(number).randrange(50_000)]} {each}" for number, each in enumerate(expected)
    )
    assert len(line) > 16 * 1024 * 1024
    assert read(line, shape=Shape(Format.TEXT)) == expected


def test_gzip_in_any_chunks_and_several_members() -> None:
    packed = gzip.compress(f"{A}\n".encode()) + gzip.compress(f"{B}\n".encode())
    assert read(packed) == read(packed, size=1) == read(packed, size=7) == [A, B]


def test_a_gzip_file_that_was_cut_off() -> None:
    packed = gzip.compress("\n".join(conv(number * 7919**9) for number in range(300)).encode())
    with pytest.raises(ImportProblem, match="incomplete"):
        read(packed[:-20])


def test_a_damaged_gzip_file() -> None:
    packed = gzip.compress("\n".join(conv(number * 7919**9) for number in range(300)).encode())
    with pytest.raises(ImportProblem, match="damaged"):
        read(packed[:2000] + b"nonsense" * 9 + packed[2000:])


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"PK\x03\x04", "zip archive"),
        (b"%PDF-1.7", "PDF"),
        (b"\x00\x01\x02\xff" * 50, "isn’t text"),
        (b"PAR1", "Parquet"),
    ],
)
def test_what_is_no_text_says_what_to_do(start: bytes, says: str) -> None:
    with pytest.raises(ImportProblem, match=says) as raised:
        preview(start)
    assert "import that" in str(raised.value)


@pytest.mark.parametrize("content", [b"", b" \n\r\n"])
def test_an_empty_file(content: bytes) -> None:
    with pytest.raises(ImportProblem, match="empty"):
        preview(content)


def test_text_without_ids_says_so() -> None:
    with pytest.raises(ImportProblem, match="No ids were found"):
        read("hello world, how are you\nfine, thanks, and you?\n")


@given(st.binary(max_size=300))
def test_no_file_ends_in_anything_but_ids_or_a_problem(content: bytes) -> None:
    with suppress(ImportProblem):
        read(content)


@given(st.lists(st.sampled_from([A, B, UUID, "", f"see {C}", "no id"]), min_size=1), st.integers(1, 40))
def test_chunks_make_no_difference(lines: list[str], size: int) -> None:
    content = "\r\n".join([A, *lines])
    assert read(content, size=size) == read(content)
