"""The page of all that was asked for."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Credential, Event, EventDetail, Outcome
from tests.factories import make_conversation
from tests.html import everything, fragment, is_page, signed_in, text_of

LIST = "/activity/"


def make_event(credential: Credential, outcome: str = Outcome.SUCCEEDED, **fields: object) -> Event:
    facts = {"actor_name": "operator", "action": "create", "credential_name": credential.name, **fields}
    return Event.objects.create(credential=credential, base_url=credential.base_url, outcome=outcome, **facts)


def test_shows_events_newest_first(as_operator: Browser, credential: Credential) -> None:
    first, second = make_event(credential), make_event(credential, action="get")
    response = as_operator.get(LIST)
    assert is_page(response)
    assert [event.pk for event in response.context_data["page"].rows] == [second.pk, first.pk]


def test_serves_the_rows_alone_to_htmx(as_operator: Browser, credential: Credential) -> None:
    make_event(credential)
    response = as_operator.get(LIST, headers=fragment("events"))
    assert not is_page(response)
    assert 'id="events"' in text_of(response)


def test_shows_a_stranger_nothing_of_another_team_r23(client: Browser, stranger: User, credential: Credential) -> None:
    make_event(credential, Outcome.UNKNOWN)
    response = signed_in(client, stranger).get(LIST)
    assert response.context_data["page"].rows == []
    assert response.context_data["unresolved_count"] == 0


def test_a_get_changes_nothing_r3(as_operator: Browser, credential: Credential) -> None:
    make_event(credential, Outcome.PENDING, created_at=timezone.now() - timedelta(hours=1))
    before = everything()
    as_operator.get(LIST, {"show": "unresolved"})
    assert everything() == before


def test_finds_the_unresolved_also_those_whose_process_died_r7(as_operator: Browser, credential: Credential) -> None:
    make_event(credential)
    unknown = make_event(credential, Outcome.UNKNOWN)
    dead = make_event(credential, Outcome.PENDING, created_at=timezone.now() - timedelta(seconds=121))
    make_event(credential, Outcome.PENDING, created_at=timezone.now() - timedelta(seconds=100))
    response = as_operator.get(LIST, {"show": "unresolved"})
    assert [event.pk for event in response.context_data["page"].rows] == [dead.pk, unknown.pk]
    assert response.context_data["unresolved_count"] == 2


@pytest.mark.parametrize("cursor", ["9" * 5000, "9" * 30, "x", "\0"])
def test_a_cursor_that_is_none_is_no_error(as_operator: Browser, cursor: str) -> None:
    assert as_operator.get(LIST, {"before": cursor, "after": cursor}).status_code == 200


def test_pages_lead_to_each_other_and_keep_the_filter(
    as_operator: Browser, credential: Credential, settings: object
) -> None:
    settings.PAGE_SIZE = 2  # type: ignore[attr-defined]
    for _ in range(3):
        make_event(credential, Outcome.UNKNOWN)
    first = as_operator.get(LIST, {"show": "unresolved"})
    second = as_operator.get(LIST + first.context_data["older_url"])
    assert second.context_data["only_unresolved"]
    assert len(second.context_data["page"].rows) == 1


def test_escapes_what_openai_said(as_operator: Browser, credential: Credential) -> None:
    event = make_event(credential, Outcome.REFUSED, actor_name="<i>operator</i>", openai_id="<b>id</b>")
    EventDetail.objects.create(event=event, message="<script>alert(1)</script>")
    text = text_of(as_operator.get(LIST))
    for raw in ("<script>alert", "<i>operator", "<b>id"):
        assert raw not in text


def test_asks_as_many_queries_for_twelve_rows_as_for_two(as_operator: Browser, credential: Credential) -> None:
    counts = []
    for more in (2, 10):
        for _ in range(more):
            event = make_event(credential, conversation=make_conversation(credential))
            make_event(credential, Outcome.UNKNOWN, resolved_by=event)
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1]
