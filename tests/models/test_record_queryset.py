"""Lists of events and erasures: the right rows in the right order, and no more of each than is shown."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential, Erasure, Event, EventDetail, Team
from tests.factories import make_conversation, make_credential
from tests.html import text_of

UNSHOWN = (
    "sealed_key",
    "metadata",
    "our_metadata",
    "before",
    "wanted",
    "after",
    "attempts",
    "item_ids",
    "found",
    "proof",
)


def make_event(credential: Credential | None, conversation: Conversation | None = None) -> Event:
    facts = {"actor_name": "operator", "action": "update", "outcome": "refused", "base_url": "https://a.example"}
    return Event.objects.create(credential=credential, conversation=conversation, **facts)


@pytest.fixture
def several(credential: Credential, team: Team) -> None:
    """Events of credentials that the operator sees, of one that they do not see, and of none."""
    owners = [credential, make_credential(teams=[team]), make_credential(teams=[team]), make_credential(), None]
    for number in range(25):
        make_event(owners[number * 7 % 5])


@contextmanager
def columns_read() -> Iterator[set[str]]:
    """The columns of the statements in the block, by their names."""
    found: set[str] = set()
    with CaptureQueriesContext(connection) as queries:
        yield found
    for query in queries:
        selected = query["sql"].partition(" FROM ")[0]
        found.update(part.rpartition(".")[2].strip('" ') for part in selected.split(","))


def keys(rows: list[Event]) -> list[int]:
    return [row.pk for row in rows]


@pytest.mark.parametrize("count", [1, 5, 50])
@pytest.mark.parametrize("name", ["operator", "stranger", "superuser"])
def test_the_nearest_are_those_of_all_visible_credentials_in_order(
    several: None, request: pytest.FixtureRequest, name: str, count: int
) -> None:
    user: User = request.getfixturevalue(name)
    all_of_them = keys(list(Event.objects.visible_to(user).order_by("-pk")))
    middle = Event.objects.order_by("pk")[12].pk
    older = [pk for pk in all_of_them if pk < middle]
    newer = [pk for pk in all_of_them if pk > middle]
    nearest = Event.objects.nearest_visible_to
    assert keys(nearest(user, count)) == all_of_them[:count]
    assert keys(nearest(user, count, below=middle)) == older[:count]
    assert keys(nearest(user, count, above=middle)) == newer[::-1][:count]


def test_the_nearest_are_looked_for_among_those_asked_for_alone(several: None, operator: User) -> None:
    wanted = make_event(Credential.objects.earliest("pk"))
    Event.objects.filter(pk=wanted.pk).update(outcome="unknown")
    assert keys(Event.objects.unresolved().nearest_visible_to(operator, 5)) == [wanted.pk]


def test_more_credentials_are_no_more_queries(credential: Credential, team: Team, operator: User) -> None:
    counts = []
    for more in (1, 5):
        for _ in range(more):
            make_event(make_credential(teams=[team]))
        with CaptureQueriesContext(connection) as queries:
            Event.objects.for_list().nearest_visible_to(operator, 5)
        counts.append(len(queries))
    assert counts == [2, 2]


def test_the_list_of_events_reads_only_what_its_rows_show(as_operator: Browser, credential: Credential) -> None:
    event = make_event(credential, make_conversation(credential, {"tenant": "t-1"}))
    EventDetail.objects.create(event=event, before={"a": "1"}, after={}, message="OpenAI said no.")
    with columns_read() as columns:
        text = text_of(as_operator.get("/activity/"))
    assert "OpenAI said no." in text
    assert "message" in columns
    assert columns.isdisjoint(UNSHOWN)


def test_the_list_of_erasures_reads_only_what_its_rows_show(as_operator: Browser, credential: Credential) -> None:
    known = make_conversation(credential, {"tenant": "t-1"})
    Erasure.objects.create(credential=credential, conversation=known, reason="Ticket 7", openai_id="conv_1")
    with columns_read() as columns:
        text = text_of(as_operator.get("/erasures/"))
    assert "Ticket 7" in text
    assert "reason" in columns
    assert columns.isdisjoint(UNSHOWN)


def test_the_page_of_an_event_reads_its_changes_and_no_key_or_metadata_of_now(
    as_operator: Browser, credential: Credential
) -> None:
    event = make_event(credential, make_conversation(credential, {"tenant": "t-1"}))
    EventDetail.objects.create(event=event, before={"colour": "teal"}, after={})
    with columns_read() as columns:
        text = text_of(as_operator.get(f"/activity/{event.pk}/"))
    assert "teal" in text
    assert columns.isdisjoint({"sealed_key", "metadata", "our_metadata"})


def test_the_page_of_an_erasure_reads_no_key_or_metadata(as_operator: Browser, credential: Credential) -> None:
    known = make_conversation(credential, {"tenant": "t-1"})
    erasure = Erasure.objects.create(credential=credential, conversation=known, openai_id="conv_1", stage="finished")
    with columns_read() as columns:
        assert as_operator.get(erasure.get_absolute_url()).status_code == 200
    assert columns.isdisjoint({"sealed_key", "metadata", "our_metadata"})


def test_the_downloads_of_a_transcript_ask_as_many_queries_for_many_as_for_one(
    as_operator: Browser, operator: User, credential: Credential
) -> None:
    conversation, counts = make_conversation(credential), []
    for more in (1, 5):
        for _ in range(more):
            event = make_event(credential, conversation)
            EventDetail.objects.create(event=event, message="OpenAI said no.")
        Event.objects.update(actor=operator, action="export")
        with CaptureQueriesContext(connection) as queries:
            assert "OpenAI said no." in text_of(as_operator.get(f"/conversations/{conversation.pk}/items/export/"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
