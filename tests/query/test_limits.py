"""How much a search may ask for."""

import pytest
from django.test import Client as Browser

from conversations.models import Credential
from conversations.query import parse_bounded
from tests.factories import make_conversation
from tests.html import text_of


def test_a_text_that_is_too_long_is_refused_whole() -> None:
    text = "tenant:acme " * 334
    query = parse_bounded(text)
    assert query.clauses == ()
    assert "at most 4,000 characters" in query.problems[0].message
    assert parse_bounded(str(query)).problems == query.problems


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"k{number}:v" for number in range(101)),
        " ".join(f"w{number}" for number in range(101)),
        "k:" + ",".join(f"v{number}" for number in range(101)),
        " ".join(f"k{number}:" for number in range(101)),
    ],
)
def test_more_than_a_hundred_terms_and_values_are_refused_whole(text: str) -> None:
    query = parse_bounded(text)
    assert query.clauses == ()
    assert "at most 100 terms and values" in query.problems[0].message
    assert parse_bounded(str(query)).problems == query.problems


def test_a_hundred_terms_and_values_are_searched_for() -> None:
    assert parse_bounded("k:" + ",".join(f"v{number}" for number in range(100))).problems == ()


def test_a_page_of_a_search_that_is_too_long_says_so(as_operator: Browser, credential: Credential) -> None:
    make_conversation(credential, {"tenant": "acme"})
    response = as_operator.get("/conversations/", {"q": "tenant:other " * 400})
    assert response.status_code == 200
    assert "A search has at most 4,000 characters. Shorten it." in text_of(response)


def test_a_page_does_not_grow_with_the_square_of_its_terms(as_operator: Browser, credential: Credential) -> None:
    text = " ".join(f"k{number}:v" for number in range(500))
    for url in ("/conversations/", "/conversations/overview/"):
        assert len(as_operator.get(url, {"q": text}).content) < 600_000


def test_an_export_refuses_a_search_that_is_too_long_r24(as_operator: Browser, credential: Credential) -> None:
    response = as_operator.get("/conversations/export/file/", {"q": "a" * 4_001, "format": "csv"})
    assert response.status_code == 422
