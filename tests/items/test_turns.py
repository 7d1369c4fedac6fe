"""Turns: an output belongs to its call, wherever the two are."""

from typing import Any

import pytest

from conversations.items import partner_of, turns
from conversations.items.turns import _CALL_OF

Item = dict[str, Any]


def pair(output: str) -> tuple[Item, Item]:
    """A call and its output."""
    call = _CALL_OF[output]
    if output == "mcp_approval_response":
        return {"type": call, "id": "c"}, {"type": output, "id": "o", "approval_request_id": "c"}
    return {"type": call, "id": "c", "call_id": "shared"}, {"type": output, "id": "o", "call_id": "shared"}


def ids(items: list[Item]) -> list[list[str]]:
    """The ids of each turn."""
    return [[item.id for item in turn.items] for turn in turns(items)]


def call(id: str, call_id: Any = "shared") -> Item:
    return {"type": "function_call", "id": id, "call_id": call_id}


def output(id: str, call_id: Any = "shared") -> Item:
    return {"type": "function_call_output", "id": id, "call_id": call_id}


PAIRS = pytest.mark.parametrize("kind", _CALL_OF)


def test_there_are_nine_pairs() -> None:
    assert len(_CALL_OF) == len(set(_CALL_OF.values())) == 9


@PAIRS
def test_an_output_stands_beside_its_call_in_either_order(kind: str) -> None:
    first, second = pair(kind)
    between = {"type": "message", "id": "m", "role": "user", "content": "hi"}
    assert ids([first, between, second]) == [["c", "o"], ["m"]]
    assert ids([second, between, first]) == [["m"], ["c", "o"]]


@PAIRS
def test_an_output_without_its_call_stands_alone(kind: str) -> None:
    assert ids([pair(kind)[1]]) == [["o"]]


@PAIRS
def test_the_partner_of_each_half_is_the_other(kind: str) -> None:
    first, second = pair(kind)
    forth, back = partner_of(first), partner_of(second)
    assert forth is not None
    assert back is not None
    assert (forth.is_later, back.is_later) == (True, False)
    assert [forth.matches(second), back.matches(first)] == [True, True]
    assert [forth.matches(first), back.matches(second)] == [False, False]


def test_an_output_of_a_local_shell_may_have_the_id_of_its_call_as_its_own() -> None:
    shell = {"type": "local_shell_call", "id": "lsh_1", "call_id": "shared"}
    assert ids([shell, {"type": "local_shell_call_output", "id": "shared"}]) == [["lsh_1", "shared"]]


def test_a_call_may_have_several_outputs() -> None:
    assert ids([call("c"), output("o1"), output("o2")]) == [["c", "o1", "o2"]]


def test_of_two_calls_with_one_id_the_first_has_the_output_and_nothing_is_lost_or_doubled() -> None:
    assert ids([call("c1"), call("c2"), output("o")]) == [["c1", "o"], ["c2"]]


def test_an_output_of_another_type_is_not_beside_the_call() -> None:
    other = {"type": "custom_tool_call_output", "id": "o", "call_id": "shared"}
    assert ids([call("c"), other]) == [["c"], ["o"]]


@pytest.mark.parametrize("call_id", [None, "", 7, ["shared"], {}])
def test_what_can_be_no_id_joins_nothing(call_id: Any) -> None:
    assert ids([call("c", call_id), output("o", call_id)]) == [["c"], ["o"]]
    assert partner_of(call("c", call_id)) is None


@pytest.mark.parametrize("kind", ["message", "reasoning", "hologram_call", None, ["function_call"]])
def test_what_is_neither_call_nor_output_has_no_partner(kind: Any) -> None:
    assert partner_of({"type": kind, "call_id": "shared", "id": "shared"}) is None


def test_no_items_are_no_turns() -> None:
    assert turns([]) == []
