"""Edits of metadata: steps, limits, and undoing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.edits import Edit, Impossible, Step, restored

BEFORE = {"cust": "acme", "env": "prod", "note": "x"}


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (Step("set", "new", "1"), {**BEFORE, "new": "1"}),
        (Step("set", "env", "dev"), {**BEFORE, "env": "dev"}),
        (Step("set", "env", ""), {**BEFORE, "env": ""}),
        (Step("remove", "note"), {"cust": "acme", "env": "prod"}),
        (Step("remove", "absent"), BEFORE),
        (Step("rename", "cust", to="tenant"), {"tenant": "acme", "env": "prod", "note": "x"}),
        (Step("rename", "absent", to="tenant"), BEFORE),
        (Step("rename", "cust", to="cust"), BEFORE),
        (Step("replace", "env", "prod", "live"), {**BEFORE, "env": "live"}),
        (Step("replace", "env", "dev", "live"), BEFORE),
        (Step("replace", "absent", "dev", "live"), BEFORE),
    ],
)
def test_each_step(step: Step, after: dict[str, str]) -> None:
    changed = Edit((step,)).apply(BEFORE)
    assert changed == after
    assert list(changed) == list(after)


def test_steps_follow_each_other() -> None:
    edit = Edit((Step("rename", "cust", to="tenant"), Step("set", "cust", "again"), Step("remove", "env")))
    assert edit.apply(BEFORE) == {"tenant": "acme", "note": "x", "cust": "again"}


def test_a_name_that_is_taken_is_impossible() -> None:
    with pytest.raises(Impossible, match="already has a key “env”"):
        Edit((Step("rename", "cust", to="env"),)).apply(BEFORE)


def test_a_17th_pair_is_impossible_and_one_for_another_is_not() -> None:
    full = {f"k{n}": "" for n in range(16)}
    with pytest.raises(Impossible, match="17 pairs"):
        Edit((Step("set", "new", ""),)).apply(full)
    assert len(Edit((Step("remove", "k1"), Step("set", "new", ""))).apply(full)) == 16


def test_what_a_server_keeps_beyond_the_limits_may_stay() -> None:
    vast = {**{f"k{n}": "" for n in range(20)}, "long": "v" * 600}
    assert Edit((Step("set", "k1", "x"),)).apply(vast)["long"] == "v" * 600
    assert Edit((Step("rename", "long", to="renamed"),)).apply(vast)["renamed"] == "v" * 600


def test_values_that_are_no_text_are_replaced_by_their_json() -> None:
    assert Edit((Step("replace", "n", "5", "6"),)).apply({"n": 5}) == {"n": "6"}


@pytest.mark.parametrize(
    "step",
    [
        Step("set", ""),
        Step("set", "k" * 65),
        Step("set", "k", "v" * 513),
        Step("rename", "k", to=""),
        Step("rename", "k", to="n" * 65),
        Step("replace", "k", "old", "v" * 513),
        Step("remove", "a\0b"),
    ],
)
def test_what_was_typed_wrongly_is_told(step: Step) -> None:
    assert step.problems()


def test_it_survives_being_stored() -> None:
    edit = Edit((Step("set", "a", "1"), Step("rename", "b", to="c")))
    assert Edit.from_json(edit.as_json()) == edit


MAPS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", ""]), max_size=5)


@given(MAPS, MAPS)
def test_undoing_gives_back_what_was_there(before: dict[str, Any], after: dict[str, Any]) -> None:
    wanted, moved = restored(after, before, after)
    assert wanted == before
    assert moved == []


@given(MAPS, MAPS, MAPS)
def test_undoing_keeps_what_the_edit_did_not_touch(
    before: dict[str, Any], after: dict[str, Any], now: dict[str, Any]
) -> None:
    wanted, moved = restored(now, before, after)
    touched = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    for key in {*now, *wanted} - touched:
        assert now.get(key) == wanted.get(key)
    for key in touched:
        assert wanted.get(key) == before.get(key)
    assert {change.key for change in moved} == {key for key in touched if now.get(key) != after.get(key)}
