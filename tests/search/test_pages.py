"""Pages of a result, both ways, against a plain filter: random rows, random queries, and writes in between."""

import random
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation, Credential, State
from conversations.query import Query, parse
from conversations.search import ResultPage, Search, walk
from tests.factories import CREATED_AT, bring_into_state, make_conversation, make_credential
from tests.plain_filter import plainly

pytestmark = pytest.mark.django_db

EVERYONE = User(is_superuser=True)
KEYS = ["tenant", "env", "a b", "state"]
VALUES = ["acme", "ACME", "acme-2", "", "50% off", "a_c", "STRASSE", "é", "x" * 70 + "y", "x" * 70 + "z", "\\"]
TERMS = [
    *("tenant:acme", "tenant:acme,ACME", "tenant:ac*", "tenant:~cme", "has:env", 'env:""', "env:~é", "state:active"),
    *("state:active,removed", "acme", "off", "ss", "é", "conv_0", "conv_1", "id:conv_0*", "created:2026-05-01"),
    *(
        "created:>2026-05-01",
        '"a b":acme',
        '"state":acme',
        f"env:{'x' * 70}*",
        'has:"a b"',
        "read:today",
        "x",
        "-read:7d",
    ),
]
terms = st.tuples(st.sampled_from(TERMS), st.booleans()).map(lambda pair: f"{'-' if pair[1] else ''}{pair[0]}")
queries = st.lists(terms, max_size=4).map(lambda found: parse(" ".join(found).replace("--", "-")))
metadata = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=4)
rows = st.lists(st.tuples(metadata, st.sampled_from(State.values), st.integers(0, 3)), max_size=25)
many_examples = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def credentials() -> list[Credential]:
    return [make_credential(), make_credential()]


@pytest.fixture(params=[1, 3, 64], ids="blocks of {}".format)
def _block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks, so that few rows need many."""
    monkeypatch.setattr(walk, "FIRST_BLOCK", request.param)


def enter(credentials: list[Credential], drawn: list[tuple[dict[str, str], str, int]]) -> None:
    for number, (pairs, state, day) in enumerate(drawn):
        moment = CREATED_AT + timedelta(days=day, seconds=number)
        owner = credentials[number % len(credentials)]
        make_conversation(owner, pairs, created_at=moment, state=state, openai_id=f"conv_{number % 3}{number:05}")


def all_pages(query: Query, size: int, *, oldest_first: bool) -> list[ResultPage]:
    """From the first page to the last."""
    pages = [Search.for_user(query, EVERYONE).page(size=size, oldest_first=oldest_first)]
    while (cursor := pages[-1].newer if oldest_first else pages[-1].older) is not None:
        on = {"after": cursor} if oldest_first else {"before": cursor}
        pages.append(Search.for_user(query, EVERYONE).page(size=size, oldest_first=oldest_first, **on))
    return pages


def shown(pages: list[ResultPage]) -> list[int]:
    return [row.sort_key for page in pages for row in page.rows]


@pytest.mark.long
@pytest.mark.usefixtures("_block")
@many_examples
@given(rows, queries, st.booleans())
def test_pages_forth_and_back_are_what_a_plain_filter_gives(
    credentials: list[Credential], drawn: list[tuple[dict[str, str], str, int]], query: Query, oldest_first: bool
) -> None:
    with transaction.atomic():
        enter(credentials, drawn)
        expected = [row.sort_key for row in plainly(Conversation.objects.all(), query)][:: -1 if oldest_first else 1]
        pages = all_pages(query, 4, oldest_first=oldest_first)
        assert shown(pages) == expected
        for earlier, later in pairwise(pages):
            back = {"before": later.older} if oldest_first else {"after": later.newer}
            again = Search.for_user(query, EVERYONE).page(size=4, oldest_first=oldest_first, **back)
            assert shown([again]) == shown([earlier])
        assert Search.for_user(query, EVERYONE).number().at_least == len(expected)
        transaction.set_rollback(True)


def test_pages_stay_in_order_while_rows_are_added_changed_and_purged(credentials: list[Credential]) -> None:
    chance = random.Random(3)
    query = parse("tenant:acme -state:removed")
    enter(credentials, [({"tenant": "acme"}, State.ACTIVE, chance.randrange(4)) for _ in range(60)])
    untouched = {row.sort_key for row in Conversation.objects.all()}
    seen: list[int] = []
    page = Search.for_user(query, EVERYONE).page(size=7)
    while True:
        seen += shown([page])
        for act in chance.sample(CHANGES, 2):
            untouched.discard(act(chance, credentials))
        if page.older is None:
            break
        page = Search.for_user(query, EVERYONE).page(size=7, before=page.older)
    assert seen == sorted(set(seen), reverse=True)
    assert untouched <= set(seen)
    assert set(seen) & {row.sort_key for row in plainly(Conversation.objects.all(), query)} >= untouched


def _add(chance: random.Random, credentials: list[Credential]) -> int:
    moment = CREATED_AT + timedelta(days=chance.randrange(4), seconds=chance.randrange(10**4))
    return make_conversation(chance.choice(credentials), {"tenant": "acme"}, created_at=moment).sort_key


def _any(chance: random.Random) -> Conversation:
    return chance.choice(list(Conversation.objects.order_by("sort_key")))


def _change(chance: random.Random, credentials: list[Credential]) -> int:
    row = _any(chance)
    row.store_response({"tenant": "other"}, is_own_change=True)
    return row.sort_key


def _remove(chance: random.Random, credentials: list[Credential]) -> int:
    row = _any(chance)
    bring_into_state(row, State.REMOVED)
    return row.sort_key


def _purge(chance: random.Random, credentials: list[Credential]) -> int:
    row = _any(chance)
    row.purge()
    return row.sort_key


CHANGES: list[Callable[[random.Random, list[Credential]], int]] = [_add, _change, _remove, _purge]


def test_a_short_way_back_ends_in_the_full_first_page(credentials: list[Credential]) -> None:
    enter(credentials, [({}, State.ACTIVE, 0)] * 10)
    first = Search.for_user(parse(""), EVERYONE).page(size=4)
    back = Search.for_user(parse(""), EVERYONE).page(size=4, after=first.rows[2].sort_key)
    assert shown([back]) == shown([first])
    assert back.newer is None


def test_an_empty_page_leads_back(credentials: list[Credential]) -> None:
    enter(credentials, [({}, State.ACTIVE, 0)] * 3)
    lowest = Search.for_user(parse(""), EVERYONE).page(size=4).rows[-1].sort_key
    empty = Search.for_user(parse(""), EVERYONE).page(size=4, before=lowest)
    assert (empty.rows, empty.older, empty.newer) == ([], None, lowest - 1)


def test_neighbours_are_those_of_the_result(credentials: list[Credential]) -> None:
    enter(credentials, [({"a": str(number % 2)}, State.ACTIVE, 0) for number in range(9)])
    result = plainly(Conversation.objects.all(), parse("a:0"))
    newer, older = Search.for_user(parse("a:0"), EVERYONE).neighbours(result[2].sort_key)
    assert (newer, older) == (result[1], result[3])
    assert Search.for_user(parse("a:0"), EVERYONE).neighbours(result[0].sort_key)[0] is None


def test_a_search_that_runs_out_of_time_says_where_and_continues_there(
    credentials: list[Credential], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "FIRST_BLOCK", 2)
    monkeypatch.setattr(walk, "GROWTH", 1)
    monkeypatch.setattr(walk.Clock, "is_over", True)
    enter(credentials, [({"a": "x" if number % 4 == 0 else "y"}, State.ACTIVE, 0) for number in range(24)])
    query = parse("x")  # too short for trigrams: the rows are asked
    pages = all_pages(query, 50, oldest_first=False)
    assert len(pages) > 3
    assert all(page.resumes == "older" for page in pages[:-1])
    assert shown(pages) == [row.sort_key for row in plainly(Conversation.objects.all(), query)]
