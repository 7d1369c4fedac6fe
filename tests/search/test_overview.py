"""The number, the counts and the histogram of a result, against counting by hand."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from conversations.metadata import as_text
from conversations.models import Conversation, Credential, State
from conversations.query import parse
from conversations.search import Overview, Search, counts, overview
from conversations.search import result as search
from tests.factories import CREATED_AT, make_conversation, make_credential
from tests.plain_filter import plainly

pytestmark = pytest.mark.django_db

EVERYONE = User(is_superuser=True)
QUERIES = [
    "",
    "-state:removed",
    "env:prod",
    "env:prod -state:removed",
    "-env:prod",
    "has:env tenant:~a",
    "state:missing",
]


@pytest.fixture
def rows() -> list[Conversation]:
    credentials = [make_credential(), make_credential()]
    states = [State.ACTIVE] * 5 + [State.REMOVED, State.MISSING, State.DIFFERS]
    return [
        make_conversation(
            credentials[number % 2],
            {
                "env": ["prod", "dev"][number % 3 == 0],
                "tenant": "abc"[number % 3],
                **({"x": "y"} if number % 7 else {}),
            },
            created_at=CREATED_AT + timedelta(hours=number * 9),
            state=states[number % len(states)],
        )
        for number in range(40)
    ]


def of(text: str) -> Overview:
    return Overview(Search.for_user(parse(text), EVERYONE))


@pytest.fixture(params=["counted in rows", "taken from the index"])
def _sample(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either all rows are few enough to be counted, or the index's numbers are used where they can be."""
    if request.param == "taken from the index":
        monkeypatch.setattr(overview, "SAMPLE", 1)


@pytest.mark.parametrize("text", QUERIES)
def test_the_number_is_that_of_the_matches(rows: list[Conversation], text: str) -> None:
    assert str(of(text).number) == str(len(plainly(Conversation.objects.all(), parse(text))))


def test_beyond_what_is_counted_the_number_has_a_plus(
    rows: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "COUNTED", 5)
    assert str(of("env:prod tenant:b").number) == "5+"
    assert str(of("env:prod").number) == str(len(plainly(Conversation.objects.all(), parse("env:prod"))))
    assert of("env:prod tenant:b").search.number().is_exact


@pytest.mark.usefixtures("_sample")
@pytest.mark.parametrize("text", QUERIES)
def test_counts_are_those_of_the_matches_or_say_of_how_many(rows: list[Conversation], text: str) -> None:
    found = of(text).counts
    matches = plainly(Conversation.objects.all(), parse(text))
    if not found.is_complete:
        matches = matches[: found.total]
    assert found.total == len(matches)
    assert found.is_exact
    pairs = Counter((key, as_text(value)) for row in matches for key, value in row.metadata.items())
    assert {(key, value): count for key, own in found.values.items() for value, count in own.items()} == pairs
    assert found.keys == Counter(key for row in matches for key in row.metadata)
    assert +found.states == Counter(row.state for row in matches)
    assert +found.credentials == Counter(row.credential_id for row in matches)


def test_the_index_s_own_numbers_are_estimates_where_many_are_left_out(
    rows: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "SAMPLE", 1)
    monkeypatch.setattr(counts, "MAX_EXCLUDED", 1)
    found = of("-state:removed").counts
    assert (found.is_exact, found.total) == (False, 35)
    assert found.keys["env"] == 40


def test_counts_beside_a_term_are_those_of_its_other_values(rows: list[Conversation]) -> None:
    query = parse("env:prod tenant:b")
    [env, _] = query.clauses
    found = Overview(Search.for_user(query, EVERYONE)).counts_without(env)
    expected = Counter(row.metadata["env"] for row in plainly(Conversation.objects.all(), parse("tenant:b")))
    assert found.values["env"] == expected


def days(text: str) -> dict[date, int | None]:
    histogram = of(text).histogram
    assert histogram is not None
    assert histogram.unit == "day"
    return {bar.first: bar.number for bar in histogram.bars}


@pytest.mark.parametrize("text", QUERIES)
def test_the_histogram_counts_each_day(rows: list[Conversation], text: str) -> None:
    expected = Counter(row.created_at.date() for row in plainly(Conversation.objects.all(), parse(text)))
    found = days(text)
    assert {day: number for day, number in found.items() if number} == expected
    assert sorted(found) == [min(found) + timedelta(days=number) for number in range(len(found))]


def test_what_is_older_than_the_counted_matches_is_marked(
    rows: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "COUNTED", 10)
    monkeypatch.setattr("conversations.search.histogram.COUNTED", 10)
    found = of("has:env tenant:~b").histogram
    assert found is not None
    assert not found.is_complete
    assert [bar.number is None for bar in found.bars] == [True, *[False] * (len(found.bars) - 1)]


def test_no_match_has_no_histogram() -> None:
    assert of("").histogram is None
    assert of("a:b").histogram is None


@pytest.mark.parametrize(("span", "unit"), [(30, "day"), (400, "week"), (2000, "month")])
def test_the_unit_fits_the_span(span: int, unit: str) -> None:
    credential = make_credential()
    for day in (0, span):
        make_conversation(credential, created_at=datetime(2020, 3, 1, 12, tzinfo=UTC) + timedelta(days=day))
    histogram = of("").histogram
    assert histogram is not None
    assert histogram.unit == unit
    assert [bar.number for bar in histogram.bars][:: len(histogram.bars) - 1] == [1, 1]
    assert sum(bar.number or 0 for bar in histogram.bars) == 2


def test_r21_days_are_those_of_the_time_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    make_conversation(make_credential(), created_at=datetime(2026, 4, 30, 22, 30, tzinfo=UTC))
    assert days("") == {date(2026, 5, 1): 1}


def test_an_exact_number_has_a_limit_of_its_own(credential: Credential, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "COUNTING_BUDGET", 0.0)
    monkeypatch.setattr("conversations.search.walk.FIRST_BLOCK", 2)
    for _ in range(6):
        make_conversation(credential, {"a": "x"})
    found = Search.for_user(parse("x"), EVERYONE).number()
    assert not found.is_exact
    assert 0 < found.at_least < 6
