"""Tables."""

import csv
from io import StringIO

import pytest

from conversations.importing import Format, FoundId, ImportProblem, Shape, preview
from tests.importing.steps import UUID, A, B, C, conv, found_in, read, tally_of

FIRST = Shape(Format.CSV, ",", 0, has_header=True)
EXPORT = "\ufeffid,credential,state,created,last read,added by,origin,url,metadata.topic,other metadata\r\n"


def shape_of(text: str) -> Shape:
    return preview(text.encode()).shape


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_delimiter(delimiter: str) -> None:
    table = f"name,conversation_id,n\nann,{A},1\nbob,{B},2\n".replace(",", delimiter)
    assert shape_of(table) == Shape(Format.CSV, delimiter, 1, has_header=True)
    assert found_in(table) == [FoundId(A, 2), FoundId(B, 3)]


def test_quotes_with_newlines_and_delimiters() -> None:
    table = f'text;id\r\n"a;b\r\n\r\n""c""";{A}\r\n"\n;;";"{B}"\r\n'
    assert shape_of(table) == Shape(Format.CSV, ";", 1, has_header=True)
    assert read(table, size=5) == [A, B]


def test_a_table_of_one_column() -> None:
    assert shape_of(f"id\n{A}\n{UUID}\n") == FIRST
    assert read(f'"Conversation-ID"\n"{A}"\n{UUID}\n') == [A, UUID]


def test_a_table_without_a_header() -> None:
    shown = preview(f"ann,{A}\nbob,{B}\n".encode())
    assert shown.shape == Shape(Format.CSV, ",", 1)
    assert (shown.columns, len(shown.rows)) == (["Column 1", "Column 2"], 2)


@pytest.mark.parametrize("name", ["conversation_id", "Conversation ID", "gen_ai.conversation.id", "openai-id", "ID"])
def test_a_column_is_told_by_its_name(name: str) -> None:
    assert shape_of(f"a,{name},b\nx,thread 1,y\nx,thread 2,y\n").column == 1


def test_the_best_name_wins() -> None:
    assert shape_of(f"id,conversation,conversation_id\n{A},{B},{C}\n").column == 2


def test_a_column_is_told_by_its_cells() -> None:
    assert shape_of(f"request,thread\n{UUID},{A}\n{UUID},{B}\n").column == 1


def test_numbers_under_id_are_not_preferred_to_ids() -> None:
    assert shape_of(f"id,thread\n1,{A}\n2,{B}\n").column == 1


def test_a_table_without_a_column_of_ids() -> None:
    shown = preview(b"name,age\nann,30\nbob,40\n")
    assert (shown.shape.column, shown.ids, shown.columns) == (None, [], ["name", "age"])
    with pytest.raises(ImportProblem, match="Choose the column"):
        read("name,age\nann,30\nbob,40\n")


def test_another_column_is_chosen() -> None:
    table = f"id,other\n{A},{B}\n"
    assert preview(table.encode(), Shape(Format.CSV, ",", 1, has_header=True)).ids == [B]


def test_the_wrong_column() -> None:
    with pytest.raises(ImportProblem, match=r"No ids were found in the column “name”\. Choose another column\."):
        read(f"name,id\nann,{A}\n", shape=FIRST)


def test_a_wrong_column_without_a_name() -> None:
    with pytest.raises(ImportProblem, match="in the column “Column 8”"):
        read(f"ann,{A}\n", shape=Shape(Format.CSV, ",", 7))


def test_a_header_alone() -> None:
    with pytest.raises(ImportProblem, match="No ids were found"):
        read("id,name\n", shape=FIRST)


def test_cells_with_other_text_are_searched() -> None:
    assert read(f"id,x\nhttps://x/conversations/{UUID}/,1\nsee {A} and {B},2\n'{C},3\n") == [UUID, A, B, C]


def test_rows_without_an_id_are_counted_and_blank_ones_are_not() -> None:
    tally = tally_of(f"id,x\n{A},1\n,\n\nunknown,2\n,3\n{A},4\n")
    assert (tally.lines, tally.found, tally.without_id) == (4, 2, 2)


def test_rows_of_different_lengths() -> None:
    assert read(f"x,id\n1\n1,{A},3\n1,{B}\n", shape=Shape(Format.CSV, ",", 1, has_header=True)) == [A, B]


def test_our_own_export() -> None:
    row = (
        f'{UUID},prod,active,2026-01-01T00:00:00Z,,ann,created,https://x/conversations/5/,"a, b","{{""k"": ""v""}}"\r\n'
    )
    assert preview((EXPORT + row).encode()).columns[0] == "id"
    assert read(EXPORT + row + row.replace(UUID, A)) == [UUID, A]


def test_a_table_of_langfuse() -> None:
    file = StringIO()
    rows = [["id", "sessionId", "metadata"], [UUID, A, '{"attributes": {"a": 1}}'], [UUID[::-1], B, "{}"]]
    csv.writer(file).writerows(rows)
    assert read(file.getvalue(), shape=Shape(Format.CSV, ",", 1, has_header=True)) == [A, B]


@pytest.mark.long
def test_a_quote_that_is_never_closed() -> None:
    with pytest.raises(ImportProblem, match="a quote is opened"):
        read(f'id,x\n{A},"oops\n' + "a b\n" * 1_100_000, shape=FIRST)


def test_a_line_that_is_too_long() -> None:
    with pytest.raises(ImportProblem, match="Line 3 ends a row of more than 4 million characters"):
        read(f"id,x\n{A},1\n{B},{'words ' * 800_000}\n", shape=FIRST)


def test_a_line_with_too_many_cells() -> None:
    with pytest.raises(ImportProblem, match="Line 2 has more than 400,000 cells"):
        read("id,x\n" + "a," * 500_000, shape=FIRST)


@pytest.mark.long
def test_a_large_cell_is_no_problem() -> None:
    assert read(f'id,x\n{A},"{"some words, " * 200_000}"\n{B},{"QUJD" * 5_000_000}\n', shape=FIRST) == [A, B]


def test_the_preview_shows_ten_rows_with_short_cells() -> None:
    shown = preview(f"id,x\n{''.join(f'{conv(number)},{chr(97) * 500}{chr(10)}' for number in range(30))}".encode())
    assert (len(shown.rows), len(shown.rows[0][1]), len(shown.ids)) == (10, 200, 10)
    assert shown.description == "A table separated by commas, with a header row"


def test_prose_and_logs_are_no_tables() -> None:
    assert shape_of(f"10:00:00,123 {A}\n10:00:01,456 {B}\n").format == Format.TEXT
    assert shape_of(f"Dear Ann,\nplease look at {A}, {B}.\nBob\n").format == Format.TEXT
