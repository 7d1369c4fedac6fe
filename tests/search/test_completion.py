"""Completion of the search box."""

import pytest
from django.contrib.auth.models import User

from conversations.query import parse
from conversations.search.completion import Suggestion, suggestions
from tests.factories import make_conversation, make_credential

pytestmark = pytest.mark.django_db

EVERYONE = User(is_superuser=True)


@pytest.fixture(autouse=True)
def _rows(db: None) -> None:
    prod = make_credential(name="Support prod")
    for tenant, number in (("acme", 3), ("Acme two", 2), ("globex", 1), ("state", 1)):
        for _ in range(number):
            make_conversation(prod, {"tenant": tenant, "topic": "a:b", "state": "x"})
    make_conversation(prod, {"tenant": "solo", "a key": "1"})


def found(text: str, at: int | None = None) -> list[Suggestion]:
    return suggestions(text, len(text) if at is None else at, EVERYONE)


def texts(text: str, at: int | None = None) -> list[str]:
    return [suggestion.text for suggestion in found(text, at)]


def test_an_empty_box_offers_the_most_frequent_keys() -> None:
    assert texts("")[:4] == ["tenant:", '"state":', "topic:", '"a key":']
    assert found("")[0].number == 8


def test_keys_are_offered_by_their_beginning_then_by_a_part() -> None:
    assert texts("to") == ["topic:"]
    assert texts("T") == ["tenant:", "topic:", '"state":']
    assert texts("enan") == ["tenant:"]
    assert texts("cre") == ["credential:", "created:"]


def test_values_are_offered_by_frequency_without_case() -> None:
    assert texts("tenant:") == ["tenant:acme ", 'tenant:"Acme two" ', "tenant:globex ", "tenant:solo ", "tenant:state "]
    assert texts("tenant:ACM") == ["tenant:acme ", 'tenant:"Acme two" ']
    assert [suggestion.number for suggestion in found("tenant:a")] == [3, 2]


def test_a_value_that_stands_once_is_offered_by_its_beginning() -> None:
    assert texts("tenant:sol") == ["tenant:solo "]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("-ten", "-tenant:"),
        ("env:prod tenant:glo", "env:prod tenant:globex "),
        ("tenant:acme,glo", "tenant:acme,globex "),
        ('tenant:"Acme t', 'tenant:"Acme two" '),
        ('"a k', '"a key":'),
        ('"a key":', '"a key":1 '),
        ('"state":', '"state":x '),
        ("topic:", 'topic:"a:b" '),
        ("state:mi", "state:missing "),
        ("credential:", 'credential:"Support prod" '),
        ("has:ten", "has:tenant "),
        ("created:", "created:today "),
    ],
)
def test_offers(typed: str, first: str) -> None:
    assert texts(typed)[0] == first


def test_what_stands_after_the_caret_is_kept() -> None:
    [suggestion] = found("tenant:glo created:7d", len("tenant:glo"))
    assert (suggestion.text, suggestion.caret) == ("tenant:globex created:7d", len("tenant:globex"))


@pytest.mark.parametrize("typed", ["tenant:", "state:", "credential:", '"state":', "topic:", "-tenant:a", "has:"])
def test_each_finished_suggestion_is_understood(typed: str) -> None:
    assert all(not parse(text).problems for text in texts(typed))


@pytest.mark.long
@pytest.mark.parametrize(
    "typed", ["", " ", ":", "::", '"', '"a', "-", ",", "tenant:,", "~", "\0", "id:", "added:", "é" * 600]
)
@pytest.mark.parametrize("at", [-1, 0, 1, 10**6])
def test_any_text_is_answered(typed: str, at: int) -> None:
    assert isinstance(suggestions(typed, at, EVERYONE), list)


def test_nobody_without_a_credential_is_offered_anything_of_others_r23(stranger: User) -> None:
    assert suggestions("tenant:", 7, stranger) == []
    assert {s.text for s in suggestions("t", 1, stranger)} == set()
    assert suggestions("credential:", 11, stranger) == []
