"""Ids in lists, logs and any other text."""

import pytest

from conversations.importing import Format, FoundId, ImportProblem, Shape, ids_in_text, preview
from tests.importing.steps import UUID, A, B, C, conv, found_in, read, tally_of

TEXT, LIST = Shape(Format.TEXT), Shape(Format.LIST)


def test_a_list() -> None:
    assert found_in(f"{A}\n{B}\n") == [FoundId(A, 1), FoundId(B, 2)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_end_of_line_and_blank_lines(end: str) -> None:
    assert found_in(end.join([A, "", " \t", B, ""])) == [FoundId(A, 1), FoundId(B, 4)]


def test_other_separators_do_not_end_a_line() -> None:
    assert found_in(f"a {A}\u2028b {B}\x0b{C}", shape=TEXT) == [FoundId(A, 1), FoundId(B, 1), FoundId(C, 1)]


def test_quotes_commas_and_invisible_characters_around_ids() -> None:
    assert read(f"\"{A}\",\n'{B}';\n\ufeff\u200e {C} ,\n") == [A, B, C]


def test_labels_in_front_of_ids() -> None:
    assert read(f"id={A}\nid={B}\n😀{C}\n") == [A, B, C]


def test_a_list_of_other_servers_ids() -> None:
    assert read(f"{UUID}\nthread-77aa88bb\n12345678\n") == [UUID, "thread-77aa88bb", "12345678"]


def test_repeated_ids_are_counted_and_handed_on() -> None:
    tally = tally_of(f"{A}\n{A}\n{B}\n\n")
    assert (tally.lines, tally.found, tally.without_id) == (3, 3, 0)


def test_other_lines_of_a_list_are_searched_as_text() -> None:
    tally = tally_of("".join(f"{conv(number)}\n" for number in range(20)) + f"see {A}.\nnothing here\n")
    assert (tally.lines, tally.found, tally.without_id) == (22, 21, 1)


def test_a_short_list_may_have_a_title() -> None:
    assert read(f"Ids of the week\n{UUID}\n{A}\n") == [UUID, A]


@pytest.mark.parametrize("text", [f"{A}, {B}, {C}", f"seen: {A}, {B}, {C}, and more", f"{A};{B};{C}\n{C};{B};{A}"])
def test_ids_with_separators_between_them_are_no_table(text: str) -> None:
    assert list(dict.fromkeys(read(text))) == [A, B, C]


def test_ids_among_words_with_commas_are_no_table() -> None:
    assert read(f"Hi, look at these:\nrow 0: {A}, seen yesterday\nrow 1: {B}, seen today\n") == [A, B]


def test_ids_in_lines_of_a_log() -> None:
    log = f"2026-01-01 10:00:00,123 INFO got {A}: 200\n2026-01-01 10:00:00,124 WARN conversation={B};retry\n"
    assert read(log) == [A, B]


def test_a_log_may_begin_with_brackets() -> None:
    assert read(f"[2026-01-01 10:00] {A}\n[INFO] {B}\n") == [A, B]


def test_ids_in_urls() -> None:
    log = f"GET /v1/conversations/{UUID}/items?a=1\nGET https://x/conversations/my%2Did%207\nGET /conversations/{A}.\n"
    assert read(log, shape=TEXT) == [UUID, A]
    assert read("/v1/conversations/my%2Did-77?x", shape=TEXT) == ["my-id-77"]


@pytest.mark.parametrize("path", ["items", "new", "12345", "abcdefgh", "a%2Fb12345", "%00abc12345", "a%20b12345"])
def test_what_is_no_id_in_a_url(path: str) -> None:
    with pytest.raises(ImportProblem, match="No ids were found"):
        read(f"GET /conversations/{path} HTTP/1.1", shape=TEXT)


@pytest.mark.parametrize("text", [f"my{A}", f"_{A}", f"9{A}", "conv_1234567", "conv_" + "a" * 251])
def test_what_is_no_id_in_text(text: str) -> None:
    with pytest.raises(ImportProblem, match="No ids were found"):
        read(text, shape=TEXT)


def test_an_id_twice_in_a_line_is_found_once() -> None:
    assert read(f"{A} /conversations/{A} {B} {A}\n{A}\n", shape=TEXT) == [A, B, A]


def test_ids_come_in_the_order_of_the_text() -> None:
    assert read(f"/conversations/{UUID} {B} /conversations/{A}", shape=TEXT) == [UUID, B, A]


def test_emoji_and_hebrew_around_ids() -> None:
    assert read(f"שיחה{A}😀{B}\u200f — «{C}»\n") == [A, B, C]


def test_an_id_is_never_made_of_damaged_text() -> None:
    assert read(b"abc\xff12345\n" + A.encode(), shape=LIST) == [A]
    assert read(f"abc\ud80012345\n{f'{A} ' * 100}\nabc\x0012345", shape=LIST) == [A]


def test_a_line_of_ten_megabytes() -> None:
    filler = "some words " * 450_000
    assert read(f"{A} {filler}{B} {filler}{A} {C}\n{A}", shape=TEXT) == [A, B, C, A]


@pytest.mark.parametrize("shape", [TEXT, LIST])
def test_ids_at_the_borders_of_the_parts_of_a_line(shape: Shape) -> None:
    ids = [conv(number) for number in range(20_000)]
    assert read(" ".join(ids), shape=shape) == ids


@pytest.mark.parametrize("size", [262_100, 262_143, 262_144, 262_145, 327_660, 327_690])
def test_an_id_in_a_url_at_a_border_is_found_once(size: int) -> None:
    assert read(f"{'.' * size}/conversations/{UUID} {'.' * 300_000}", shape=TEXT) == [UUID]


def test_base64_without_an_end_is_no_problem() -> None:
    assert read(f"{A} {'QUJD' * 3_000_000} {B}", shape=TEXT) == [A, B]


def test_a_file_without_ids() -> None:
    with pytest.raises(ImportProblem, match="No ids were found"):
        read("Dear all,\nthere is nothing here.\n")


@pytest.mark.parametrize("text", [f"{A}\n{B}\n{A}", f"see {A} and {B}", f'["{A}", "{B}"]', f"id;x\n{A};1\n{B};2\n"])
def test_pasted_text(text: str) -> None:
    assert ids_in_text(text) == [A, B]


def test_pasted_prose_is_searched_though_it_looks_like_a_table() -> None:
    assert ids_in_text(f"Hello, world\nHere, it is\nlook at, {A}\n") == [A]


def test_a_mark_in_the_middle_of_joined_files() -> None:
    assert read(f"\ufeff{UUID}\n\ufeff{A}\n") == [UUID, A]


def test_the_preview_of_a_log() -> None:
    shown = preview(f"one {A}\n\n{'two' * 100} {B}\n".encode())
    assert (shown.description, shown.ids) == ("Text in which ids are found", [A, B])
    assert [len(row[0]) for row in shown.rows] == [57, 200]
