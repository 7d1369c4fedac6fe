"""Migrations that change what is stored: rows of an older version come out right, and can go back."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from conversations.models import Action, Conversation, Credential, Erasure, Event, State, Term
from conversations.models.evidence import Evidence
from conversations.models.index.rebuild import differences
from conversations.models.index.terms import IndexTerm, sort_key_at, term_digest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

BEFORE_STATES, BEFORE_PLAIN_NAMES = "0002_search", "0008_other_servers"


def migrate(name: str | None = None) -> Apps:
    """The models as they were after this migration, or after the last one."""
    executor = MigrationExecutor(connection)
    last = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "conversations"]
    executor.migrate([("conversations", name)] if name else last)
    return MigrationExecutor(connection).loader.project_state([("conversations", name)] if name else last).apps


@pytest.fixture(autouse=True)
def _at_the_last_migration_again() -> Iterator[None]:
    yield
    migrate()


def old_conversation(apps: Apps, openai_id: str, state: str) -> Any:
    """A conversation as version 0002 stored it, with a pair and without its state among the terms."""
    credentials, conversations, terms, postings = (
        apps.get_model("conversations", name).objects for name in ("Credential", "Conversation", "Term", "Posting")
    )
    credential, _ = credentials.get_or_create(name="Old", defaults={"sealed_key": "x"})
    created_at = timezone.now().replace(microsecond=0)
    conversation = conversations.create(
        ord=sort_key_at(created_at) + conversations.count(),
        credential=credential,
        base_url=credential.base_url,
        openai_id=openai_id,
        created_at=created_at,
        metadata={"a": "b"},
        state=state,
        origin="imported",
    )
    own: list[IndexTerm] = [("a", "b"), ("a", None)]
    for key, value in own:
        names = {"key": key, "value": value, "folded": value or "", "digest": term_digest(key, value)}
        term, _ = terms.get_or_create(credential=credential, digest=names["digest"], defaults=names)
        terms.filter(pk=term.pk).update(n=term.n + 1)
        postings.create(term=term, ord=conversation.ord)
    return conversation


def test_states_of_conversations_that_were_there_become_terms() -> None:
    apps = migrate(BEFORE_STATES)
    for number, state in enumerate(("active", "active", "removed")):
        old_conversation(apps, f"conv_{number}", state)
    migrate()
    assert list(differences()) == []
    counts = Term.objects.filter(key=None).values_list("value", "count")
    assert sorted(counts) == [(State.ACTIVE, 2), (State.REMOVED, 1)]


def test_stored_values_get_the_names_of_today() -> None:
    apps = migrate(BEFORE_PLAIN_NAMES)
    credential = apps.get_model("conversations", "Credential").objects.create(name="Old", sealed_key="x")
    events, erasures = (apps.get_model("conversations", name).objects for name in ("Event", "Erasure"))
    for action in ("keep", "hand_over", "settle", "create"):
        events.create(action=action, credential=credential, actor_name="operator")
    erasures.create(
        openai_id="conv_1",
        found={"status": 200, "request_id": "req_1", "at": "2026-01-31T10:00:00+00:00"},
        removal={"fate": "unanswered", "status": 200, "request_id": "req_2", "at": "2026-01-31T10:00:01+00:00"},
        failure={"message": "Stopped by operator.", "is_asked_for": True},
    )
    migrate()
    actions = [Action.ACCEPT_REMOTE, Action.TRANSFER, Action.RESOLVE, Action.CREATE]
    assert list(Event.objects.order_by("pk").values_list("action", flat=True)) == actions
    erasure = Erasure.objects.get()
    assert erasure.first_read == Evidence("2026-01-31T10:00:00+00:00", 200, "req_1")
    assert erasure.deletion == Evidence("2026-01-31T10:00:01+00:00", 200, "req_2", "unanswered")
    assert (erasure.empty_listing, erasure.last_read) == (None, None)
    assert erasure.failure == {"message": "Stopped by operator.", "is_requested": True}


def test_what_is_stored_today_can_go_back() -> None:
    credential = Credential.objects.create(name="Now", sealed_key="x")
    Event.objects.create(action=Action.TRANSFER, credential=credential, actor_name="operator")
    deletion = Evidence("2026-01-31T10:00:01+00:00", 200, "req_2", "deleted")
    Erasure.objects.create(openai_id="conv_1", deletion=deletion)
    apps = migrate(BEFORE_PLAIN_NAMES)
    assert apps.get_model("conversations", "Event").objects.get().action == "hand_over"
    assert apps.get_model("conversations", "Erasure").objects.get().removal["fate"] == "deleted"
    assert apps.get_model("conversations", "Conversation").objects.count() == Conversation.objects.none().count()
