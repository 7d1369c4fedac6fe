"""Rows of a form: adding, removing, moving and filling them, and keeping what was left alone exactly."""

import json
from typing import Any

import pytest
from django.http import QueryDict

from conversations.forms.repeating_rows import MAX_FILLED, MetadataRows, PairRow
from conversations.metadata import difference

# What the index may hold, of OpenAI and of other servers.
STORED = {
    "CR LF": {"k": "one\r\ntwo\rthree\nfour"},
    "leading newline": {"k": "\n\nvalue"},
    "edge spaces": {" k ": "  value  "},
    "tab": {"k\t": "\tvalue\t"},
    "empty": {"k": "", "": "of the empty key"},
    "512 emoji": {"😀" * 64: "😀" * 512},
    "right-to-left": {"מפתח": "\u202eערך\u202c"},
    "too long for OpenAI": {"k" * 100: "v" * 1000},
    "number": {"k": 5, "float": 1.0, "large": 10**30},
    "other kinds": {"null": None, "yes": True, "list": [1, "a"], "map": {"b": {"c": None}}},
    "newline in a key": {"one\ntwo": "v", "\nthree": "w", "CR\r\nLF": "x"},
    "keys that look alike": {"a\r\nb": "1", "a\nb": "2", "a\rb": "3"},
    "more than 16 pairs": {f"k{number}": "v" for number in range(16)},
}


def sent(*rows: tuple[str, str, str] | tuple[str, str]) -> QueryDict:
    """Rows as a browser sends them: each end of line is CR LF."""
    data = QueryDict(mutable=True)
    for row in rows:
        for name, text in zip(("key", "value", "stored"), (*row, "")[:3], strict=True):
            data.appendlist(name, text if name == "stored" else text.replace("\n", "\r\n"))
    return data


def sent_back(rows: MetadataRows) -> MetadataRows:
    """The rows after a browser showed them and sent them."""
    return MetadataRows.from_data(sent(*((row.key, row.value, row.stored) for row in rows)))


def pairs(rows: MetadataRows) -> list[tuple[str, str]]:
    return [(row.key, row.value) for row in rows]


def typed(*rows: tuple[str, str]) -> MetadataRows:
    return MetadataRows.from_data(sent(*rows))


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_what_was_left_alone_goes_back_exactly_as_it_was_stored_r19(stored: dict[str, Any]) -> None:
    rows = sent_back(MetadataRows.from_map(stored))
    cleaned = rows.clean(stored)
    assert json.dumps(cleaned) == json.dumps(stored)
    assert not rows.has_errors


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_changing_one_value_leaves_the_others_alone_r19(stored: dict[str, Any]) -> None:
    rows = sent_back(MetadataRows.from_map({"first": "old", **stored}))
    rows.rows[0].value = "new"
    assert rows.clean({"first": "old", **stored}) == {"first": "new", **stored}


def test_a_value_that_is_typed_has_ends_of_line_of_one_character_r19() -> None:
    assert typed(("k", "one\ntwo")).clean() == {"k": "one\ntwo"}


@pytest.mark.parametrize("value", ["", " ", "\n", "\t", "😀" * 512, " \n x \n"])
def test_a_value_is_not_stripped_r19(value: str) -> None:
    rows = typed(("k", value))
    assert rows.clean() == {"k": value}
    assert not rows.has_errors


def test_characters_are_counted_as_code_points_r19() -> None:
    rows = typed(("😀" * 65, "😀" * 513))
    rows.clean()
    assert rows.rows[0].errors == [
        "The key has 65 characters. Shorten it to 64.",
        "The value has 513 characters. Shorten it to 512.",
    ]


@pytest.mark.parametrize("broken", ["\0", "a\0b", "\ud800", "x\udfff"])
def test_nul_and_surrogates_are_refused_at_their_row_r18(broken: str) -> None:
    rows = typed(("fine", "fine"), (f"k{broken}", "v"), ("k", f"v{broken}"))
    rows.clean()
    assert [len(row.errors) for row in rows] == [0, 1, 1]


def test_a_key_that_stands_twice_is_an_error_at_both_rows() -> None:
    rows = typed(("a", "1"), ("b", "2"), ("a", "3"))
    rows.clean()
    assert [bool(row.errors) for row in rows] == [True, False, True]


def test_keys_that_differ_in_case_or_spaces_are_two() -> None:
    rows = typed(("a", "1"), ("A", "2"), ("a ", "3"))
    assert rows.clean() == {"a": "1", "A": "2", "a ": "3"}
    assert not rows.has_errors


def test_a_value_without_a_key_is_an_error_and_a_blank_row_is_none() -> None:
    rows = typed(("", "value"), ("", ""))
    assert rows.clean() == {"": "value"}
    assert [row.errors for row in rows] == [["Enter a key, or remove the row."], []]


def test_a_stored_row_that_was_emptied_is_no_blank_one() -> None:
    rows = MetadataRows([PairRow("", "", '"k"')])
    rows.clean({"k": "v"})
    assert rows.has_errors


def test_seventeen_pairs_are_one_too_many() -> None:
    rows = typed(*((f"k{number}", "v") for number in range(17)))
    rows.clean()
    assert rows.errors == ["There are 17 pairs. OpenAI keeps only 16. Remove 1."]


def test_blank_rows_do_not_count() -> None:
    rows = typed(*((f"k{number}", "v") for number in range(16)), ("", ""))
    rows.clean()
    assert not rows.has_errors


@pytest.mark.parametrize(
    ("do", "keys"),
    [
        ("add-pair", ["a", "b", "c", ""]),
        ("remove-pair-0", ["b", "c"]),
        ("remove-pair-2", ["a", "b"]),
        ("up-pair-0", ["a", "b", "c"]),
        ("up-pair-2", ["a", "c", "b"]),
        ("down-pair-0", ["b", "a", "c"]),
        ("down-pair-2", ["a", "b", "c"]),
        ("remove-pair-3", ["a", "b", "c"]),
        ("remove-pair", ["a", "b", "c"]),
        ("remove-pair-" + "9" * 5000, ["a", "b", "c"]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_button_adds_removes_and_moves(do: str, keys: list[str]) -> None:
    rows = typed(("a", "1"), ("b", "2"), ("c", "3"))
    assert rows.act(do)
    assert [row.key for row in rows] == keys


@pytest.mark.parametrize("do", ["", "create", "save", "add-message", "add", "pair", "remove-pair-x", "ADD-pair"])
def test_what_is_no_button_of_these_rows_is_left_to_others(do: str) -> None:
    rows = typed(("a", "1"))
    assert not rows.act(do)
    assert pairs(rows) == [("a", "1")]


def test_a_full_form_takes_no_further_row() -> None:
    rows = typed(*((f"k{number}", "v") for number in range(16)))
    assert rows.act("add-pair")
    assert len(rows) == 16


def test_filling_replaces_the_same_keys_and_keeps_the_others() -> None:
    rows = typed(("a", "1"), ("b", "2"), ("", ""))
    assert rows.fill('{"b": "3", "c": "4"}') is None
    assert pairs(rows) == [("a", "1"), ("b", "3"), ("c", "4")]


def test_filling_makes_text_of_numbers_and_booleans_as_they_were_typed() -> None:
    rows = typed()
    rows.fill('{"version": 1.10, "on": true}')
    assert pairs(rows) == [("version", "1.10"), ("on", "true")]


def test_filling_a_stored_key_keeps_which_one_it_is_r19() -> None:
    stored = {"a\r\nb": "1"}
    rows = MetadataRows.from_map(stored)
    rows.fill('{"a\\r\\nb": "2"}')
    assert sent_back(rows).clean(stored) == {"a\r\nb": "2"}


def test_filling_keeps_a_key_that_stands_twice_so_that_it_is_seen() -> None:
    rows = typed()
    rows.fill('{"a": "1", "a": "2"}')
    rows.clean()
    assert [bool(row.errors) for row in rows] == [True, True]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '"a"', '{"a": null}', '{"a": {}}', '{"a": []}', '{"\\ud800": null}', "[" * 99_999]
)
def test_what_is_no_map_of_texts_is_said_in_text_that_a_page_can_hold(text: str) -> None:
    rows = typed(("a", "1"))
    problem = rows.fill(text)
    assert problem
    problem.encode()
    assert pairs(rows) == [("a", "1")]


@pytest.mark.parametrize("text", ['{"a": "\\u0000"}', '{"a\\u0000": ""}', '{"a": "\\udc00"}', '{"\\ud83d": ""}'])
def test_nul_and_surrogates_in_json_are_refused_before_a_page_would_change_them_r18(text: str) -> None:
    rows = typed(("a", "1"))
    assert "NUL or a broken character" in str(rows.fill(text))
    assert pairs(rows) == [("a", "1")]


def test_an_emoji_in_json_is_one_character_however_it_is_written_r18() -> None:
    rows = typed()
    assert rows.fill('{"a": "\\ud83d\\ude00"}') is None
    assert pairs(rows) == [("a", "😀")]


def test_more_rows_than_a_form_can_send_are_refused() -> None:
    many = {f"k{number}": "v" for number in range(MAX_FILLED + 1)}
    rows = typed()
    assert f"These are {MAX_FILLED + 1} pairs." in str(rows.fill(json.dumps(many)))
    assert len(rows) == 0


def merged(opened: dict[str, Any], typed: dict[str, str], theirs: dict[str, Any]) -> dict[str, Any]:
    """What the rows hold once a conflict was shown, read as if they were sent again."""
    rows = MetadataRows.from_map(opened)
    rows.rows = [PairRow(key, typed[key], row.stored) for key in typed for row in rows if row.key == key] + [
        PairRow(key, value) for key, value in typed.items() if key not in opened
    ]
    rows.merge(opened, difference(opened, theirs))
    return sent_back(rows).clean(theirs)


@pytest.mark.parametrize(
    ("opened", "typed", "theirs", "after"),
    [
        pytest.param({"a": "1"}, {"a": "2"}, {"a": "3"}, {"a": "2"}, id="typed over theirs"),
        pytest.param({"a": "1"}, {"a": "1"}, {"a": "3"}, {"a": "3"}, id="theirs where nothing was typed"),
        pytest.param({"a": "1"}, {}, {"a": "3"}, {}, id="removed here stays removed"),
        pytest.param({"a": "1"}, {"a": "1"}, {}, {}, id="removed there"),
        pytest.param({"a": "1"}, {"a": "2"}, {}, {"a": "2"}, id="typed, and removed there"),
        pytest.param({}, {}, {"a": "3"}, {"a": "3"}, id="added there"),
        pytest.param({}, {"a": "2"}, {"a": "3"}, {"a": "2"}, id="added here and there"),
        pytest.param({"a": 1}, {"a": "1"}, {"a": [2]}, {"a": [2]}, id="no text"),
        pytest.param({"a": "x"}, {"a": "x"}, {"a": "\r\n"}, {"a": "\r\n"}, id="CR LF"),
    ],
)
def test_a_conflict_keeps_what_was_typed_and_takes_the_rest_r6(
    opened: dict[str, Any], typed: dict[str, str], theirs: dict[str, Any], after: dict[str, Any]
) -> None:
    assert merged(opened, typed, theirs) == after
