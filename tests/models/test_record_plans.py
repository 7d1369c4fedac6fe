"""Events and erasures are found by indexes on both engines, however many there are."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from conversations.models import Conversation, Credential, ErasedItem, Erasure, Event, EventDetail, Outcome
from conversations.models.choices import ItemOutcome
from conversations.models.event import EventQuerySet
from tests.factories import make_conversation, make_credential
from tests.html import signed_in

EVENTS, ERASURES, ITEMS = 600, 60, 2
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}
TABLES = ("conversations_event", "conversations_erasure", "conversations_eraseditem")


def plans_of(work: Callable[[], Any]) -> str:
    """How the database answers what `work` asks of events and erasures: the very statements, with their parameters."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        work()
    return "\n".join(_explained(asked))


def _explained(asked: list[tuple[str, Any]]) -> Iterator[str]:
    with connection.cursor() as cursor:
        for sql, params in asked:
            if any(f'"{table}"' in sql for table in TABLES):
                cursor.execute(f"{EXPLAIN[connection.vendor]} {sql}", params)
                yield from (str(row[-1]) for row in cursor.fetchall())


def read_whole(plans: str) -> list[str]:
    """The tables that are read from end to end."""
    whole = [f"SCAN {table}" for table in TABLES] + [f"Seq Scan on {table} " for table in TABLES]
    unresolved = "USING INDEX event_unresolved"  # which holds nothing but what is asked for
    lines = [line for line in plans.split("\n") if unresolved not in line]
    return [line for line in lines if any(words in f"{line} " for words in whole)]


@pytest.fixture
def busy(credential: Credential) -> Conversation:
    """One of many that things happened to, some with each of several credentials."""
    credentials = [credential, *(make_credential(teams=credential.teams.all()) for _ in range(3)), make_credential()]
    busy = make_conversation(credential, openai_id="conv_7")
    make_events(credentials, busy)
    make_erasures(credentials)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE; SET LOCAL enable_seqscan = off")  # few as they are, it would read them all
    return busy


def make_events(credentials: list[Credential], conversation: Conversation) -> None:
    events = [
        Event(
            actor_name="operator",
            action="update",
            outcome=Outcome.UNKNOWN if number % 100 == 7 else Outcome.SUCCEEDED,
            created_at=timezone.now() - timedelta(hours=1),
            credential=credentials[number % len(credentials)],
            base_url=conversation.base_url,
            openai_id=f"conv_{number % 500}",
            conversation=conversation if number % 500 == 7 else None,
        )
        for number in range(EVENTS)
    ]
    made = Event.objects.bulk_create(events)
    EventDetail.objects.bulk_create(EventDetail(event=event) for event in made)


def make_erasures(credentials: list[Credential]) -> None:
    erasures = [
        Erasure(
            credential=credentials[number % len(credentials)],
            base_url=credentials[0].base_url,
            openai_id=f"conv_{number}",
            stage="finished",
        )
        for number in range(ERASURES)
    ]
    made = Erasure.objects.bulk_create(erasures)
    items = [
        ErasedItem(erasure=erasure, item_id=f"msg_{number}", outcome=ItemOutcome.DELETED)
        for erasure in made
        for number in range(ITEMS)
    ]
    ErasedItem.objects.bulk_create(items)


# What is asked about one conversation, before and after each call

ASKED: dict[str, Callable[[EventQuerySet, str], Any]] = {
    "with_remote_id": lambda events, url: list(events.with_remote_id(url, "conv_7")),
    "open_at": lambda events, url: events.lock_holders(url, "conv_7").first(),
    "dead": lambda events, url: events.lock_holders(url, "conv_7").stale().update(outcome=Outcome.UNKNOWN),
    "resolvable_by_reading": lambda events, url: list(events.resolvable_by_reading(url, "conv_7")),
    "unknown_deletions": lambda events, url: list(events.with_remote_id(url, "conv_7").unknown_deletions()),
    "removal_was_sent": lambda events, url: events.removal_was_sent(url, "conv_7"),
    "wanted": lambda events, url: events.has_requested(url, "conv_7", {}),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_events_of_one_conversation_are_found_by_its_url(
    busy: Conversation, ask: Callable[[EventQuerySet, str], Any]
) -> None:
    plans = plans_of(lambda: ask(Event.objects.all(), busy.base_url))
    assert "event_by_address" in plans or "one_open_event_a_conversation" in plans
    assert read_whole(plans) == []


def test_erasures_of_one_conversation_are_found_by_its_url(busy: Conversation) -> None:
    plans = plans_of(lambda: Erasure.objects.about(busy).for_list().first())
    assert "erasure_by_address" in plans
    assert read_whole(plans) == []


@pytest.mark.long
def test_the_page_of_a_conversation_reads_no_table_whole(as_operator: Browser, busy: Conversation) -> None:
    plans = plans_of(lambda: as_operator.get(busy.get_absolute_url()))
    assert "event_by_conversation" in plans
    assert read_whole(plans) == []


# The lists


@pytest.fixture(params=["operator", "superuser", "stranger"])
def someone(request: pytest.FixtureRequest, client: Browser) -> Browser:
    """Signed in as someone who sees some credentials, all, or none."""
    user: User = request.getfixturevalue(request.param)
    return signed_in(client, user)


@pytest.mark.long
@pytest.mark.parametrize("query", ["", "?before={}", "?after={}"])
def test_the_list_of_events_reads_a_page_of_each_credential(someone: Browser, busy: Conversation, query: str) -> None:
    middle = Event.objects.values_list("pk", flat=True)[EVENTS // 2]
    plans = plans_of(lambda: someone.get(f"/activity/{query.format(middle)}"))
    assert "event_by_credential" in plans
    assert "TEMP B-TREE" not in plans  # in which SQLite would sort all that the credentials have
    assert read_whole(plans) == []


def test_a_page_in_the_middle_of_the_list_begins_there(busy: Conversation, operator: User) -> None:
    begins = {"sqlite": "(credential_id=? AND id<?)", "postgresql": "Index Cond: ((ROW(credential_id, id) < ROW("}
    plans = plans_of(lambda: Event.objects.nearest_visible_to(operator, 51, below=EVENTS // 2))
    assert begins[connection.vendor] in plans


def test_the_unresolved_and_their_number_are_found_by_an_index_of_them_alone(
    someone: Browser, busy: Conversation
) -> None:
    plans = plans_of(lambda: someone.get("/activity/?show=unresolved"))
    assert "event_unresolved" in plans
    assert "event_by_credential" not in plans
    assert read_whole(plans) == []


def test_the_number_of_unresolved_is_counted_in_an_index_of_them_alone(
    busy: Conversation, operator: User, superuser: User
) -> None:
    for user in (operator, superuser):
        plans = plans_of(Event.objects.visible_to(user).unresolved().count)
        assert "event_unresolved" in plans
        assert read_whole(plans) == []


def test_the_list_of_erasures_reads_a_page_of_each_credential(someone: Browser, busy: Conversation) -> None:
    plans = plans_of(lambda: someone.get("/erasures/"))
    assert "erasure_by_credential" in plans
    assert "TEMP B-TREE" not in plans
    assert read_whole(plans) == []


def test_the_overview_finds_what_is_open_by_indexes_of_that_alone(someone: Browser, busy: Conversation) -> None:
    plans = plans_of(lambda: someone.get("/"))
    assert "event_unresolved" in plans
    assert "erasure_unfinished" in plans or "one_open_erasure_a_conversation" in plans
    assert "erasure_by_credential" not in plans
