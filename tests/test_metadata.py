"""Metadata: limits, what can be stored, reading JSON, and comparing two versions."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.metadata import (
    MAX_VALUE_LENGTH,
    REPLACEMENT,
    Change,
    ChangeKind,
    as_text,
    compare,
    compare_with_response,
    difference,
    fold,
    is_storable,
    pairs_from_json,
    problem_with_key,
    problem_with_value,
    replace_unstorable,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
maps = st.dictionaries(st.sampled_from("abcde"), st.sampled_from(["", "1", "2", 1, None]), max_size=5)


# R18: kept exactly, or refused with a reason


@pytest.mark.parametrize("value", ["", " edge ", "a\nb", "a\tb", "\u202eright to left", "\N{GRINNING FACE}" * 512])
def test_a_legal_value_has_no_problem(value: str) -> None:
    assert problem_with_value(value) is None


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "x" * (MAX_VALUE_LENGTH + 1)])
def test_a_value_that_cannot_be_kept_has_a_reason(value: str) -> None:
    assert problem_with_value(value)


@pytest.mark.parametrize("key", ["", "a\0", "\udfff", "k" * 65])
def test_a_key_that_cannot_be_kept_has_a_reason(key: str) -> None:
    assert problem_with_key(key)


def test_r19_characters_are_counted_as_code_points() -> None:
    assert problem_with_key("\N{GRINNING FACE}" * 64) is None
    assert "has 65 characters" in str(problem_with_key("\N{GRINNING FACE}" * 65))


@pytest.mark.long
@given(json_values)
def test_r18_what_is_storable_can_be_written_by_every_database(value: object) -> None:
    text = json.dumps(replace_unstorable(value), ensure_ascii=False, allow_nan=False)
    text.encode()
    assert is_storable(text)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_r18_text_that_can_be_stored_is_left_as_it_is(text: str) -> None:
    assert replace_unstorable(text) == text


def test_r18_broken_characters_become_u_fffd_in_keys_and_in_depth() -> None:
    assert replace_unstorable({"a\0": ["\ud800x", {"b": "\0"}]}) == {"a\ufffd": ["\ufffdx", {"b": REPLACEMENT}]}


def test_a_number_that_json_cannot_hold_is_replaced() -> None:
    assert replace_unstorable({"a": math.inf, "b": 1.5}) == {"a": REPLACEMENT, "b": 1.5}


def test_r18_values_that_are_no_strings_are_their_json() -> None:
    values: list[Any] = ["x", 1, True, None, {"é": []}]
    assert [as_text(value) for value in values] == ["x", "1", "true", "null", '{"é": []}']


def test_r20_folding_joins_marks_and_ignores_case() -> None:
    assert fold("STRASSE e\u0301") == fold("straße \u00c9")


# Reading pasted JSON


def test_pasted_pairs_keep_their_order_and_their_duplicates() -> None:
    assert pairs_from_json('{"b": "1", "a": "2", "b": "3"}') == [("b", "1"), ("a", "2"), ("b", "3")]


def test_pasted_numbers_stay_as_they_were_typed() -> None:
    assert pairs_from_json('{"version": 1.10, "n": 007e0, "t": true}'.replace("007e0", "7e0")) == [
        ("version", "1.10"),
        ("n", "7e0"),
        ("t", "true"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "isn’t valid JSON"),
        ("[1]", "in braces"),
        ("1", "in braces"),
        ('"text"', "in braces"),
        ('{"a": null}', "is null"),
        ('{"a": [1]}', "is a list"),
        ('{"a": {"b": "c"}}', "is an object"),
        ("[" * 100_000, "isn’t valid JSON"),
    ],
)
def test_what_cannot_be_pasted_has_a_reason(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pairs_from_json(text)


# Differences


def test_each_key_has_its_kind() -> None:
    changes = compare({"kept": "1", "changed": "1", "removed": "1"}, {"kept": "1", "changed": "2", "added": "3"})
    assert [(change.key, change.kind) for change in changes] == [
        ("kept", ChangeKind.KEPT),
        ("changed", ChangeKind.CHANGED),
        ("removed", ChangeKind.REMOVED),
        ("added", ChangeKind.ADDED),
    ]


def test_values_that_are_not_strings_become_their_json() -> None:
    assert difference({"a": 1}, {"a": None}) == [Change("a", "1", "null", ChangeKind.CHANGED)]


@given(maps, maps)
def test_a_difference_leads_from_one_map_to_the_other(before: dict[str, object], after: dict[str, object]) -> None:
    result = {key: as_text(value) for key, value in before.items()}
    for change in difference(before, after):
        if change.after is None:
            del result[change.key]
        else:
            result[change.key] = change.after
    assert result == {key: as_text(value) for key, value in after.items()}


@given(maps, maps, maps)
def test_refused_are_exactly_the_keys_that_are_not_as_wanted(
    before: dict[str, object], wanted: dict[str, object], answer: dict[str, object]
) -> None:
    refused = {
        change.key for change in compare_with_response(before, wanted, answer) if change.kind is ChangeKind.REFUSED
    }
    missing = object()
    keys = {*before, *wanted, *answer}
    assert refused == {key for key in keys if wanted.get(key, missing) != answer.get(key, missing)}
