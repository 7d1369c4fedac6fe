"""The list of erasures."""

from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Credential, Erasure
from conversations.models.choices import ItemOutcome, Stage
from tests.factories import make_conversation, make_credential
from tests.html import everything, fragment, is_page, signed_in, text_of

LIST = "/erasures/"

_numbers = count(1)


def make_erasure(credential: Credential, **fields: Any) -> Erasure:
    facts = {"actor_name": "operator", "reason": "Ticket 7", "openai_id": f"conv_{next(_numbers):048x}", **fields}
    names = {"credential_name": credential.name, "base_url": credential.base_url}
    return Erasure.objects.create(credential=credential, **names, **facts)


def shown(browser: Browser, **query: str) -> list[int]:
    return [erasure.pk for erasure in browser.get(LIST, query).context_data["page"].rows]


def test_shows_erasures_newest_first(as_operator: Browser, credential: Credential) -> None:
    first, second = make_erasure(credential), make_erasure(credential)
    assert is_page(as_operator.get(LIST))
    assert shown(as_operator) == [second.pk, first.pk]


def test_says_who_why_how_many_and_how_far(as_operator: Browser, credential: Credential) -> None:
    erasure = make_erasure(credential, actor_name="anna", reason="Ticket 1234", stage=Stage.STOPPED)
    outcomes = [
        ItemOutcome.DELETED,
        ItemOutcome.UNCONFIRMED,
        ItemOutcome.GONE,
        ItemOutcome.REFUSED,
        ItemOutcome.SENT,
        ItemOutcome.FOUND,
    ]
    for number, outcome in enumerate(outcomes):
        erasure.items.create(item_id=f"msg_{number}", type="message", outcome=outcome)
    text = text_of(as_operator.get(LIST))
    for words in ("anna", "Ticket 1234", "Stopped", f'href="{erasure.get_absolute_url()}"', ">3 <span"):
        assert words in text


def test_serves_the_rows_alone_to_htmx(as_operator: Browser, credential: Credential) -> None:
    make_erasure(credential)
    response = as_operator.get(LIST, headers=fragment("erasures"))
    assert not is_page(response)
    assert 'id="erasures"' in text_of(response)


def test_shows_a_stranger_nothing_of_another_team_r23(client: Browser, stranger: User, credential: Credential) -> None:
    make_erasure(credential)
    response = signed_in(client, stranger).get(LIST)
    assert response.context_data["page"].rows == []
    assert "Ticket 7" not in text_of(response)


def test_a_viewer_sees_those_of_their_credentials_alone_r23(
    client: Browser, viewer: User, credential: Credential
) -> None:
    make_erasure(make_credential(name="Nobody’s"))
    mine = make_erasure(credential)
    assert shown(signed_in(client, viewer)) == [mine.pk]


def test_those_of_a_deleted_credential_are_left_to_superusers_r23(
    client: Browser, operator: User, superuser: User, credential: Credential
) -> None:
    erasure = make_erasure(credential)
    credential.delete()
    assert shown(signed_in(client, operator)) == []
    assert shown(signed_in(client, superuser)) == [erasure.pk]


def test_a_get_changes_nothing_r3(as_operator: Browser, credential: Credential) -> None:
    make_erasure(credential)
    before = everything()
    as_operator.get(LIST)
    assert everything() == before


def test_says_so_where_nothing_was_erased_yet(as_operator: Browser) -> None:
    assert "No erasures yet" in text_of(as_operator.get(LIST))


def test_pages_lead_to_each_other(as_operator: Browser, credential: Credential, settings: Any) -> None:
    settings.PAGE_SIZE = 2
    erasures = [make_erasure(credential) for _ in range(3)]
    first = as_operator.get(LIST)
    second = as_operator.get(LIST + first.context_data["older_url"])
    assert [row.pk for row in second.context_data["page"].rows] == [erasures[0].pk]
    back = as_operator.get(LIST + second.context_data["newer_url"])
    assert [row.pk for row in back.context_data["page"].rows] == [erasures[2].pk, erasures[1].pk]


@pytest.mark.parametrize("cursor", ["9" * 5000, "9" * 30, "x", "\0"])
def test_a_cursor_that_is_none_is_no_error(as_operator: Browser, cursor: str) -> None:
    assert as_operator.get(LIST, {"before": cursor, "after": cursor}).status_code == 200


def test_escapes_what_people_typed(as_operator: Browser, credential: Credential) -> None:
    make_erasure(credential, reason="<script>alert(1)</script>", actor_name="<i>anna</i>", openai_id="<b>id</b>")
    text = text_of(as_operator.get(LIST))
    for raw in ("<script>alert", "<i>anna", "<b>id"):
        assert raw not in text


def test_asks_as_many_queries_for_twelve_rows_as_for_two(as_operator: Browser, credential: Credential) -> None:
    counts = []
    for more in (2, 10):
        for number in range(more):
            erasure = make_erasure(credential, conversation=make_conversation(credential))
            erasure.items.create(item_id=f"msg_{number}", type="message", outcome=ItemOutcome.DELETED)
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1]
