"""The search against a plain filter over all rows, for random rows and random queries."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from conversations import query as language
from conversations.models import Conversation
from conversations.query import parse
from conversations.search import Search
from tests.factories import make_conversation, make_credential, make_user
from tests.plain_filter import plainly

pytestmark = pytest.mark.django_db

KEYS = ["tenant", "env", "a b", "state", "ключ"]
VALUES = ["acme", "ACME", "acme-2", "", "50% off", "a_c", "STRASSE", "e\u0301", "\u202eright", "x" * 400, "a\\b*", 7]
STATES = ["active", "differs", "missing", "removed"]
NEWEST = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def rows() -> list[Conversation]:
    chance = random.Random(11)
    people = [make_user("another"), make_user("josé"), None]
    credentials = [make_credential(name=name) for name in ("Support prod", "test")]
    return [
        make_conversation(
            chance.choice(credentials),
            {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(5))},
            openai_id=f"conv_{chance.choice(['68a', '68B', 'Ff'])}{number:04x}",
            created_at=NEWEST - timedelta(seconds=chance.randrange(40 * 86_400)),
            added_by=chance.choice(people),
            state=chance.choice(STATES),
        )
        for number in range(60)
    ]


def found(query: language.Query) -> set[int]:
    everyone = User(is_superuser=True)
    sort_keys = list(Search.for_user(query, everyone).sort_keys())
    assert sort_keys == sorted(set(sort_keys), reverse=True)
    assert list(Search.for_user(query, everyone).sort_keys(oldest_first=True)) == sort_keys[::-1]
    return set(Conversation.objects.filter(sort_key__in=sort_keys).values_list("pk", flat=True))


SEARCHES = [
    "tenant:acme",
    "tenant:acme,ACME",
    "tenant:acme tenant:a*",
    "-tenant:acme",
    "!tenant:acme,ACME has:tenant",
    "tenant:ac*",
    "tenant:~CME",
    "tenant:~STRASSE,~%",
    'env:""',
    'env:"50% off"',
    "env:~_",
    'env:"a\\\\b*"',
    "env:7",
    '"a b":acme',
    '"state":acme',
    "ключ:acme,7",
    "has:tenant",
    "-has:tenant",
    'has:"a b" -has:env',
    "has:state",
    "state:active",
    "-state:removed",
    "state:active,differs -state:active",
    "state:active -state:active",
    "acme",
    "ACME",
    "straße",
    "\u00c9",
    "CONV_68A",
    "conv_68b",
    '"0% O"',
    "-acme",
    "id:conv_68*",
    "id:conv_68a0000",
    "-id:conv_68a*",
    'credential:"Support prod"',
    "-credential:test",
    "added:another",
    "-added:another",
    "added:another,josé tenant:a*",
    "created:2026-06",
    "created:>2026-06-01",
    "created:<=2026-05-20",
    "created:2026-05-10..2026-05-20",
    "-created:2026-05",
    "read:today",
    "read:<2026-01-01",
    "",
]


def test_each_search_finds_what_a_plain_filter_does(rows: list[Conversation]) -> None:
    for query in map(parse, SEARCHES):
        assert not query.problems
        assert found(query) == {row.pk for row in plainly(rows, query)}, str(query)


@pytest.mark.long
def test_random_searches_find_what_a_plain_filter_does(rows: list[Conversation]) -> None:
    chance = random.Random(5)
    for _ in range(150):
        query = parse(" ".join(chance.choice(SEARCHES) for _ in range(chance.randrange(1, 5))))
        assert found(query) == {row.pk for row in plainly(rows, query)}, str(query)


def test_the_searches_are_not_all_empty(rows: list[Conversation]) -> None:
    assert sum(bool(found(parse(text))) for text in SEARCHES) > len(SEARCHES) * 0.8


def test_r20_signs_of_like_are_plain_text() -> None:
    make_conversation(make_credential(), {"a": "xyz"})
    assert not any(found(parse(text)) for text in ("a:~_", "a:~%", "a:x_z", "a:x%", '"%"'))


def test_a_conversation_of_the_last_second_of_a_day_belongs_to_it() -> None:
    row = make_conversation(make_credential(), created_at=datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC))
    assert found(parse("created:2026-05-01")) == {row.pk}
    assert not found(parse("created:2026-05-02"))


def test_r21_days_are_those_of_the_time_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    row = make_conversation(make_credential(), created_at=datetime(2026, 4, 30, 22, 30, tzinfo=UTC))
    assert found(parse("created:2026-05-01")) == found(parse("created:>2026-04-30")) == {row.pk}
    assert not found(parse("created:<=2026-04-30"))


def test_r23_a_search_takes_rows_away_and_adds_none(rows: list[Conversation], stranger: User) -> None:
    assert not any(list(Search.for_user(parse(text), stranger).sort_keys()) for text in SEARCHES)
