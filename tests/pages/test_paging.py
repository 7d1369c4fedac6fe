"""Pages by keyset."""

from datetime import timedelta

import pytest

from conversations.models import Conversation, Credential
from conversations.pages.paging import KeysetPage, keyset_page
from tests.factories import CREATED_AT, make_conversation, make_credential

pytestmark = pytest.mark.django_db
CURSORS_THAT_ARE_NONE = ["", "x", "-1", "1.5", "1e3", " 1", "9" * 20, "9" * 5000, "²", "0x1"]


@pytest.fixture
def credential() -> Credential:
    return make_credential()


def page(before: str = "", after: str = "", size: int = 3) -> KeysetPage:
    return keyset_page(Conversation.objects.all(), "sort_key", before=before, after=after, size=size)


def make(credential: Credential, number: int) -> list[int]:
    """The keys of so many rows, in the order of the list."""
    for _ in range(number):
        make_conversation(credential)
    return [*Conversation.objects.order_by("-sort_key").values_list("sort_key", flat=True)]


def keys(shown: KeysetPage) -> list[int]:
    return [row.sort_key for row in shown.rows]


def test_no_rows_are_a_page_without_neighbours() -> None:
    assert page() == KeysetPage([], "", "")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_fits_is_one_page(credential: Credential, number: int) -> None:
    expected = make(credential, number)
    assert (keys(page()), page().newer, page().older) == (expected, "", "")


def test_pages_continue_below_the_last_row_and_back_above_the_first(credential: Credential) -> None:
    expected = make(credential, 8)
    first = page()
    second = page(before=first.older)
    third = page(before=second.older)
    assert keys(first) + keys(second) + keys(third) == expected
    assert keys(page(after=third.newer)) == keys(second)
    assert third.older == ""


def test_the_way_back_ends_at_the_newest(credential: Credential) -> None:
    make(credential, 6)
    first = page(after=page(before=page().older).newer)
    assert keys(first) == keys(page())
    assert first.newer == ""


def test_a_row_that_is_added_meanwhile_moves_nothing(credential: Credential) -> None:
    expected = make(credential, 5)
    older = page().older
    for _ in range(3):
        make_conversation(credential, created_at=CREATED_AT + timedelta(hours=1))
    assert set(keys(page(before=older))) <= set(Conversation.objects.values_list("sort_key", flat=True))
    assert expected[3] in keys(page(before=older))


@pytest.mark.parametrize("cursor", CURSORS_THAT_ARE_NONE)
def test_a_cursor_that_is_no_key_is_none(credential: Credential, cursor: str) -> None:
    expected = make(credential, 2)
    assert keys(page(before=cursor)) == expected
    assert keys(page(after=cursor)) == expected


def test_a_cursor_beyond_all_rows_is_an_empty_page(credential: Credential) -> None:
    make(credential, 2)
    assert page(before="0").rows == []
    assert page(after="9" * 19).rows == []
