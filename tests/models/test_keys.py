"""Primary keys in requests."""

import pytest

from conversations.models.keys import as_key, as_keys


@pytest.mark.parametrize(("text", "key"), [("0", 0), ("17", 17), ("9" * 18, 10**18 - 1)])
def test_a_number_is_a_key(text: str, key: int) -> None:
    assert as_key(text) == key


@pytest.mark.parametrize("text", ["", "-1", "1.0", " 1", "x", "٣", "²", "9" * 19])
def test_anything_else_is_none(text: str) -> None:
    assert as_key(text) is None


def test_what_can_be_no_key_is_left_out() -> None:
    assert as_keys(["3", "x", "3", ""]) == [3, 3]
