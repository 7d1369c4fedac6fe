"""CSV: delimiters, headers, and the column that has the ids."""

from dataclasses import replace

import pytest

from conversations.importing import Format, ImportProblem, preview
from tests.importing.steps import A, B, C, read, tally_of

UUIDS = [f"3f2c1b9e-5a77-4c1e-9d1b-0a2b3c4d5e{n:02x}" for n in range(3)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str) -> None:
    table = "\n".join(delimiter.join(row) for row in [["tenant", "conversation_id"], ["acme", A], ["globex", B]])
    assert read(table) == [A, B]


def test_the_column_is_known_by_its_name() -> None:
    shape = preview(f"created,Conversation ID,other\n2026-01-01,{A},{B}\n".encode()).shape
    assert (shape.format, shape.column, shape.has_header) == (Format.CSV, 1, True)


def test_the_column_is_known_by_its_cells() -> None:
    assert preview(f"user,thing\nu1,{A}\nu2,{B}\n".encode()).shape.column == 1


def test_an_id_column_of_something_else_is_passed_over() -> None:
    assert preview(f"id,ref\n1,{A}\n2,{B}\n".encode()).shape.column == 1


def test_a_table_without_a_header() -> None:
    found = preview(f"{A},acme\n{B},globex\n".encode())
    assert (found.shape.has_header, found.columns, found.ids) == (False, ["Column 1", "Column 2"], [A, B])


def test_one_column_with_a_name() -> None:
    assert read(f"conversation_id\n{UUIDS[0]}\n{UUIDS[1]}\n") == UUIDS[:2]


def test_our_own_export() -> None:
    header = "\ufeffid,credential,state,created,last read,added by,origin,url,metadata.tenant"
    row = "Sandbox,active,2026-05-01T12:00:00Z,2026-05-01T12:00:00Z,ops,created,https://c.example/conversations/1/,acme"
    assert read(f"{header}\r\n{A},{row}\r\n{B},{row}\r\n") == [A, B]


def test_quoted_cells_with_delimiters_and_line_breaks() -> None:
    assert read(f'note,id\r\n"a, ""b""\r\nand more",{A}\r\nplain,{B}\r\n') == [A, B]


def test_a_cell_with_text_around_the_id() -> None:
    table = f"where,what\nhttps://x.example/conversations/{A}/items,one\nsee {B} there,two\n"
    shape = replace(preview(table.encode()).shape, column=0)
    assert read(table, shape=shape) == [A, B]


def test_a_wrong_column_says_so() -> None:
    table = f"name,conversation_id\nalice,{A}\nbob,{B}\n"
    with pytest.raises(ImportProblem, match="No ids were found in column 1"):
        read(table, shape=replace(preview(table.encode()).shape, column=0))


def test_a_table_without_any_ids_asks_for_the_column() -> None:
    table = "name,city\nalice,berlin\nbob,paris\n"
    assert preview(table.encode()).shape.column is None
    with pytest.raises(ImportProblem, match="Choose the column"):
        read(table)


def test_rows_that_are_too_short_have_no_id() -> None:
    tally = tally_of(f"tenant,conversation_id\nacme,{A}\nglobex\ninitech,{B}\nx,{C}\ny,{A}\nz,{B}\n")
    assert (tally.lines, tally.found, tally.without_id) == (6, 5, 1)


def test_the_preview_shows_ten_rows_and_cuts_long_cells() -> None:
    table = "note,conversation_id\n" + f"{'x' * 900},{A}\n" * 30
    found = preview(table.encode())
    assert (len(found.rows), len(found.rows[0][0]), found.columns) == (10, 200, ["note", "conversation_id"])


def test_the_preview_of_another_column() -> None:
    table = f"a,b\n{A},{B}\n{A},{C}\n".encode()
    assert preview(table, replace(preview(table).shape, column=1)).ids == [B, C]
