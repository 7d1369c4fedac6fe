"""The page of an erasure: progress and who drives it, the receipt, and the way to it from the conversation."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.exports.receipt import CANNOT_BE_KNOWN
from conversations.models import Conversation, Credential, ErasedItem, Erasure, Event, Team
from conversations.models.erased_item import ListedItem
from conversations.sandbox import Fault, Sandbox
from conversations.sandbox.log import LogEntry
from conversations.services.erasures import work_on
from tests.factories import KEY, calls_in, make_user
from tests.html import fragment, is_page, signed_in, text_of


@pytest.fixture
def finished(erasure: Erasure, operator: User) -> Erasure:
    return work_on(actor=operator, erasure=erasure)


@pytest.fixture
def refused(erasure: Erasure, operator: User, sandbox: Sandbox) -> Erasure:
    """Stopped, because OpenAI refused to delete two items."""
    sandbox.faults.add(Fault(method="DELETE", times=2, status=400, code="no_way", message="Not <this> one."))
    return work_on(actor=operator, erasure=erasure)


def page_of(browser: Browser, erasure: Erasure) -> str:
    return text_of(browser.get(erasure.get_absolute_url()))


def part_of(browser: Browser, erasure: Erasure) -> str:
    """What moves on the page."""
    return text_of(browser.get(erasure.get_absolute_url(), headers=fragment("erasure")))


def receipt_of(browser: Browser, erasure: Erasure) -> Any:
    return json.loads(browser.get(f"{erasure.get_absolute_url()}receipt.json").content)


def sent(sandbox: Sandbox, method: str, of: str = "") -> list[LogEntry]:
    return [entry for entry in sandbox.log if entry.method == method and of in entry.path]


def posts_on(text: str) -> bool:
    return "/step/" in text


def polls(text: str, erasure: Erasure) -> bool:
    return f'hx-get="{erasure.get_absolute_url()}" hx-trigger="every 2s"' in text


def test_shows_who_why_what_and_how_far(as_operator: Browser, erasure: Erasure) -> None:
    erasure.enter([ListedItem(f"msg_{number}", "message") for number in range(4)])
    erasure.items.filter(item_id="msg_0").update(outcome="deleted")
    response = as_operator.get(erasure.get_absolute_url())
    assert is_page(response)
    for words in (erasure.openai_id, "Ticket 7", "operator", "tenant", str(erasure.uuid), "1 of 4 items"):
        assert words in text_of(response)


def test_serves_the_erasure_alone_to_htmx(as_operator: Browser, erasure: Erasure) -> None:
    response = as_operator.get(erasure.get_absolute_url(), headers=fragment("erasure"))
    assert not is_page(response)
    assert text_of(response).strip().startswith('<div id="erasure"')


# Who drives it


def test_the_page_of_who_runs_it_posts_on_by_itself(as_operator: Browser, erasure: Erasure) -> None:
    text = part_of(as_operator, erasure)
    assert f'hx-post="{erasure.get_absolute_url()}step/" hx-trigger="load' in text
    assert "This page continues by itself" in text
    assert not polls(text, erasure)


def test_others_look_on_and_may_take_over(client: Browser, erasure: Erasure, team: Team) -> None:
    text = part_of(signed_in(client, make_user("other", teams=[team])), erasure)
    assert (posts_on(text), polls(text, erasure)) == (False, True)
    assert "operator is working on it." in text
    assert f'action="{erasure.get_absolute_url()}resume/"' in text


def test_a_viewer_looks_on_and_has_no_buttons_r22(client: Browser, viewer: User, erasure: Erasure) -> None:
    text = part_of(signed_in(client, viewer), erasure)
    assert (posts_on(text), polls(text, erasure)) == (False, True)
    assert "<form" not in text
    assert "<button" not in text


def test_one_that_lost_its_right_does_not_drive_it_on(client: Browser, operator: User, erasure: Erasure) -> None:
    operator.groups.filter(name="Operator").delete()
    role = make_user(role="Viewer").groups.get()
    operator.groups.add(role)
    assert not posts_on(part_of(signed_in(client, operator), erasure))


def test_a_run_without_a_sign_of_life_is_driven_by_nobody(as_operator: Browser, erasure: Erasure) -> None:
    Event.objects.update(created_at=timezone.now() - timedelta(seconds=121))
    text = part_of(as_operator, erasure)
    assert (posts_on(text), polls(text, erasure)) == (False, False)
    assert "Nobody is working on it." in text
    assert ">Continue</button>" in text


def test_a_run_with_a_sign_of_life_is_driven_on_however_old(as_operator: Browser, erasure: Erasure) -> None:
    now = timezone.now()
    Event.objects.update(created_at=now - timedelta(hours=3), touched_at=now - timedelta(seconds=100))
    assert posts_on(part_of(as_operator, erasure))


def test_it_waits_as_long_as_openai_asks_before_it_posts_again(
    as_operator: Browser, erasure: Erasure, operator: User, sandbox: Sandbox, now: datetime
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=429, headers={"Retry-After": "9"}))
    text = part_of(as_operator, work_on(actor=operator, erasure=erasure))
    assert 'hx-trigger="load delay:9.0s' in text
    assert "OpenAI asks to wait until" in text


def test_a_locked_conversation_is_said_to_be_waited_for(
    as_operator: Browser, erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", locked=True, headers={"Retry-After": "9"}))
    text = part_of(as_operator, work_on(actor=operator, erasure=erasure))
    assert "A response is being generated in this conversation. Convadmin waits for it," in text


def test_a_stopped_one_offers_to_continue_and_does_nothing_by_itself(as_operator: Browser, stopped: Erasure) -> None:
    text = part_of(as_operator, stopped)
    assert "Stopped by operator." in text
    assert ">Continue</button>" in text
    assert (posts_on(text), "hx-trigger" in text) == (False, False)


# What OpenAI refused


def test_quotes_openai_where_items_were_refused(as_operator: Browser, refused: Erasure) -> None:
    text = part_of(as_operator, refused)
    for words in ("2 items were not deleted.", "Not &lt;this&gt; one.", "no_way", ">Try again</button>"):
        assert words in text
    for row in ErasedItem.objects.refused():
        assert row.item_id in text
        assert row.request_id in text


def test_the_receipt_quotes_openai_of_refused_items_alone(as_operator: Browser, refused: Erasure) -> None:
    document = receipt_of(as_operator, refused)
    assert [item.get("message") for item in document["each_item"]] == ["Not <this> one."] * 2 + [None] * 3
    assert (document["items"]["not_deleted"], document["items"]["left"], document["finished_at"]) == (2, 2, None)


def test_says_why_it_stopped_and_what_to_do(
    as_operator: Browser, erasure: Erasure, operator: User, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(status=429, code="insufficient_quota", message="No money."))
    text = part_of(as_operator, work_on(actor=operator, erasure=erasure))
    for words in ("No money.", "Add credit or raise the limit", "insufficient_quota", sandbox.log[-1].request_id):
        assert words in text


# The receipt


def test_a_finished_one_moves_no_more_and_needs_no_script(as_operator: Browser, finished: Erasure) -> None:
    text = part_of(as_operator, finished)
    for word in ("hx-", "<script", "with-script", "<form", "<button"):
        assert word not in text
    assert ">Receipt</h2>" in text


def test_a_finished_one_shows_numbers_and_request_ids(
    as_operator: Browser, finished: Erasure, sandbox: Sandbox
) -> None:
    text = part_of(as_operator, finished)
    assert '<th scope="row">Items listed by OpenAI</th><td class="number">5 items</td>' in text
    assert '<th scope="row">Deleted</th><td class="number">5 items</td>' in text
    for entry in (sandbox.log[0], *calls_in(sandbox)[-3:], *sent(sandbox, "DELETE", "/items/")):
        assert entry.request_id in text


def test_a_finished_one_says_who_why_and_what_cannot_be_known_r26(as_operator: Browser, finished: Erasure) -> None:
    text = part_of(as_operator, finished)
    for words in ("operator", "Ticket 7", finished.openai_id, finished.base_url, "tenant", *CANNOT_BE_KNOWN):
        assert words in text


def test_tells_apart_what_was_confirmed_and_what_was_not(as_operator: Browser, finished: Erasure) -> None:
    for item, outcome in zip(finished.items.all(), ["unanswered", "unanswered", "gone"], strict=False):
        ErasedItem.objects.filter(pk=item.pk).update(outcome=outcome)
    text = part_of(as_operator, finished)
    assert '<th scope="row">Deleted, not confirmed</th><td class="number">2</td>' in text
    assert '<th scope="row">Already deleted elsewhere</th><td class="number">1</td>' in text


def test_the_receipt_is_a_file_of_json(as_operator: Browser, finished: Erasure) -> None:
    response = as_operator.get(f"{finished.get_absolute_url()}receipt.json")
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"] == f'attachment; filename="erasure {finished.openai_id}.json"'


def test_the_receipt_agrees_with_the_log_of_the_server(
    as_operator: Browser, finished: Erasure, sandbox: Sandbox
) -> None:
    document = receipt_of(as_operator, finished)
    items = sent(sandbox, "DELETE", "/items/")
    assert [(item["id"], item["request_id"], item["client_request_id"]) for item in document["each_item"]] == [
        (entry.path.rpartition("/")[2], entry.request_id, entry.client_request_id) for entry in items
    ]
    assert document["items"]["deleted"] == sum(entry.changed for entry in items) == 5
    facts = ("first_read", "empty_listing", "deletion_of_the_conversation", "last_read")
    ids = [document[name]["request_id"] for name in facts]
    assert ids == [entry.request_id for entry in (sandbox.log[0], *calls_in(sandbox)[-3:])]


def test_the_receipt_names_the_calls_of_each_run(as_operator: Browser, finished: Erasure, sandbox: Sandbox) -> None:
    document = receipt_of(as_operator, finished)
    (run,) = document["runs"]
    of_conversation = [entry for entry in sandbox.log if entry.path == f"/conversations/{finished.openai_id}"]
    assert [attempt["id"] for attempt in run["attempts"]] == [entry.client_request_id for entry in of_conversation]
    assert (run["by"], run["outcome"], document["reason"], document["stage"]) == (
        "operator",
        "succeeded",
        "Ticket 7",
        "finished",
    )


@pytest.mark.parametrize("state", ["erasure", "refused", "finished"])
def test_no_text_no_value_and_no_key_stands_anywhere_r28(
    as_operator: Browser, request: pytest.FixtureRequest, state: str
) -> None:
    erasure = request.getfixturevalue(state)
    for text in (page_of(as_operator, erasure), json.dumps(receipt_of(as_operator, erasure))):
        assert "tenant" in text
        for secret in ("acme", "Message 1", "Message 5", KEY):
            assert secret not in text


def test_a_key_that_openai_echoes_stands_nowhere_r15(
    as_operator: Browser, erasure: Erasure, operator: User, credential: Credential
) -> None:
    wrong = "sk-proj-wrong-0123456789abcdef"
    credential.set_key(wrong)
    credential.save()
    stopped = work_on(actor=operator, erasure=erasure)
    assert stopped.failure["status"] == 401
    assert wrong not in page_of(as_operator, stopped) + json.dumps(receipt_of(as_operator, stopped))


def test_escapes_what_was_typed(as_operator: Browser, erasure: Erasure) -> None:
    Erasure.objects.update(reason="<script>alert(1)</script>", actor_name="<i>operator</i>", keys=["<b>key</b>"])
    text = page_of(as_operator, erasure)
    for raw in ("<script>alert", "<i>operator", "<b>key"):
        assert raw not in text


def test_the_receipt_outlives_the_conversation_in_the_index(
    as_operator: Browser, finished: Erasure, conversation: Conversation
) -> None:
    conversation.purge()
    assert finished.openai_id in page_of(as_operator, finished)
    assert receipt_of(as_operator, finished)["items"]["deleted"] == 5


@pytest.mark.parametrize("path", ["", "receipt.json"])
def test_asks_as_many_queries_for_many_items_as_for_five(as_operator: Browser, finished: Erasure, path: str) -> None:
    counts = []
    for more in (0, 40):
        for number in range(more):
            finished.items.create(item_id=f"msg_{number}", type="message", outcome="refused")
            Event.objects.create(action="erase", outcome="stopped", erasure=finished, actor_name="operator")
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(f"{finished.get_absolute_url()}{path}")
        counts.append(len(queries))
    assert counts[0] == counts[1]


# On the page of the conversation


def test_the_conversation_offers_to_erase_before_to_remove(as_operator: Browser, conversation: Conversation) -> None:
    assert f'{conversation.get_absolute_url()}delete/"' in text_of(as_operator.get(conversation.get_absolute_url()))
    text = text_of(as_operator.get(f"{conversation.get_absolute_url()}delete/"))
    erase, remove = (text.index(f'{conversation.get_absolute_url()}{verb}/"') for verb in ("erase", "remove"))
    assert erase < remove


def test_the_conversation_offers_it_to_no_viewer_r22(client: Browser, viewer: User, conversation: Conversation) -> None:
    assert "/erase/" not in text_of(signed_in(client, viewer).get(conversation.get_absolute_url()))


@pytest.mark.parametrize(("state", "words"), [("erasure", "isn’t finished"), ("stopped", "was stopped")])
def test_the_conversation_shows_an_unfinished_erasure(
    as_operator: Browser, conversation: Conversation, request: pytest.FixtureRequest, state: str, words: str
) -> None:
    erasure = request.getfixturevalue(state)
    text = text_of(as_operator.get(conversation.get_absolute_url()))
    assert words in text
    assert f'<a href="{erasure.get_absolute_url()}">See its progress</a>' in text


def test_the_conversation_leads_to_the_receipt(
    as_operator: Browser, conversation: Conversation, finished: Erasure
) -> None:
    text = text_of(as_operator.get(conversation.get_absolute_url()))
    assert f'<a href="{finished.get_absolute_url()}">Receipt</a>' in text
    assert "/erase/" not in text
