"""`manage.py seed --conversations N`: many examples for the index alone."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from conversations.examples import bulk as bulk_examples
from conversations.models import Conversation, Credential
from conversations.models.index.rebuild import differences
from conversations.query import parse
from conversations.search import Search
from tests.factories import make_conversation, make_credential

pytestmark = pytest.mark.django_db


def seed(**options: int) -> str:
    out = StringIO()
    call_command("seed", stdout=out, **options)
    return out.getvalue()


def test_makes_so_many_with_an_index_that_is_right(superuser: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_examples, "BATCH", 70)
    assert "200 of 200" in seed(conversations=200)
    assert Conversation.objects.count() == 200
    assert set(Conversation.objects.values_list("added_by", flat=True)) == {superuser.pk}
    assert list(differences()) == []


def test_they_are_skewed_and_can_be_found(superuser: User) -> None:
    seed(conversations=300)
    found = [
        sum(1 for _ in Search.for_user(parse(text), superuser).sort_keys())
        for text in ("tenant:tenant-0000", "env:prod", "")
    ]
    assert 10 < found[0] < found[1] < found[2] == 300


def test_their_credentials_send_nothing() -> None:
    seed(conversations=5)
    assert not Credential.objects.active().exists()


def test_an_index_that_is_not_empty_is_left_alone() -> None:
    make_conversation(make_credential())
    with pytest.raises(CommandError, match="isn't empty"):
        seed(conversations=5)


def test_says_what_is_missing() -> None:
    with pytest.raises(CommandError, match=r"--file.*--conversations"):
        seed()
