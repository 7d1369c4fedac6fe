"""Someone without any credential searches, and finds nothing, whatever they ask and on either engine."""

from urllib.parse import quote

import pytest
from django.test import Client as Browser

from conversations.models.index import sql_helpers
from tests.factories import make_conversation, make_credential, make_user
from tests.html import signed_in, text_of

QUERIES = [
    *("", "beta", "be", "key:beta", "key:be*", "key:~eta", "-key:~eta"),
    *("has:key", "id:conv_*", "conv_", "state:active", "read:today"),
]
ADDRESSES = [
    "/conversations/?q={}",
    "/conversations/overview/?q={}&count=all",
    "/conversations/values/?q={}&key=key",
    "/conversations/values/?q={}&key=key&find=beta",
    "/conversations/values/?q={}&key=key&find=b",
    "/conversations/completion/?q={}&at=3",
    "/conversations/completion/?q=key:b&at=5",
    "/conversations/completion/?q=has:&at=4",
    "/conversations/export/?q={}",
    "/conversations/export/file/?q={}&format=jsonl",
]


@pytest.fixture
def alone(client: Browser, db: None) -> Browser:
    """A browser of an operator without a team, beside conversations of others."""
    make_conversation(make_credential(), {"key": "alpha beta gamma"})
    return signed_in(client, make_user("alone"))


@pytest.mark.long
@pytest.mark.parametrize("url", ADDRESSES)
def test_someone_without_a_credential_finds_nothing(alone: Browser, url: str) -> None:
    for query in QUERIES:
        response = alone.get(url.format(quote(query)))
        text = b"".join(response).decode() if response.streaming else text_of(response)
        assert response.status_code in (200, 422)
        assert "alpha" not in text


def test_nothing_is_among_no_values(db: None) -> None:
    assert sql_helpers.fetch(f"SELECT 1 WHERE 1 IN {sql_helpers.placeholders([])}") == []
