"""Asking for the erasure of a conversation: R25 and R27."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential, Erasure, Event
from conversations.sandbox import Fault, Sandbox
from conversations.services.erasures import start_erasure, work_on
from tests.factories import add_messages, make_conversation, make_known
from tests.html import (
    REFUSALS,
    UNREACHABLE,
    Form,
    everything,
    form_in,
    fragment,
    is_page,
    signed_in,
    text_of,
)


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/erase/"


def filled_in(browser: Browser, conversation: Conversation, *, reason: str = "Ticket 7", ending: str = "") -> Form:
    """The form as somebody fills it in who means it."""
    form = form_in(browser.get(f"/conversations/{conversation.pk}/erase/"), "token")
    return form.fill("reason", reason).fill("ending", ending or conversation.openai_id[-6:])


def deletions(sandbox: Sandbox) -> list[str]:
    return [entry.path for entry in sandbox.log if entry.method == "DELETE"]


def test_asks_for_a_reason_and_the_last_six_characters(
    as_operator: Browser, conversation: Conversation, url: str
) -> None:
    response = as_operator.get(url)
    assert is_page(response)
    for words in (
        conversation.openai_id,
        ">Reason (required)</label>",
        "type the last 6 characters of the id",
        "Afterwards OpenAI offers no access to any of it.",
    ):
        assert words in text_of(response)


def test_serves_the_number_of_items_alone_to_htmx(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    add_messages(sandbox, conversation, 3)
    response = as_operator.get(f"{url}?count=1", headers=fragment("item-count"))
    assert not is_page(response)
    assert text_of(response).strip().startswith('<p id="item-count">')
    assert "3 items" in text_of(response)


def test_leads_htmx_to_the_erasure(as_operator: Browser, conversation: Conversation, url: str) -> None:
    response = filled_in(as_operator, conversation).send(as_operator, url, headers=fragment("main"))
    assert response["HX-Redirect"] == Erasure.objects.get().get_absolute_url()


def test_does_not_exist_for_a_stranger_r23(
    client: Browser, stranger: User, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    wanted = {"token": "t", "reason": "Mine", "ending": conversation.openai_id[-6:]}
    assert signed_in(client, stranger).get(f"{url}?count=1").status_code == 404
    assert client.post(url, wanted).status_code == 404
    assert len(sandbox.log) == 0


def test_refuses_a_viewer_r22(
    client: Browser, viewer: User, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    wanted = {"token": "t", "reason": "Mine", "ending": conversation.openai_id[-6:]}
    assert signed_in(client, viewer).get(f"{url}?count=1").status_code == 403
    assert client.post(url, wanted).status_code == 403
    assert len(sandbox.log) == 0


def test_a_get_changes_nothing_r3(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    before = everything()
    as_operator.get(url)
    assert len(sandbox.log) == 0
    as_operator.get(f"{url}?count=1")
    assert everything() == before
    assert [entry.method for entry in sandbox.log] == ["GET"]


@pytest.mark.parametrize("ending", ["abcdef", "x", "ALL"])
def test_a_wrong_ending_erases_nothing_and_keeps_what_was_typed(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, ending: str
) -> None:
    response = filled_in(as_operator, conversation, reason="A <reason>\nto keep", ending=ending).send(as_operator, url)
    kept = form_in(response, "token")
    assert response.status_code == 422
    assert "These aren’t the last 6 characters of the id. Nothing was erased." in text_of(response)
    assert (kept.values("reason"), kept.values("ending")) == (["A <reason>\nto keep"], [ending])
    assert (len(sandbox.log), Event.objects.exists()) == (0, False)


@pytest.mark.parametrize(
    ("reason", "words"),
    [("", "Enter a reason for the receipt."), ("r" * 501, "The reason has 501 characters. Shorten it to 500.")],
)
def test_a_reason_is_wanted_and_has_its_length(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, reason: str, words: str
) -> None:
    response = filled_in(as_operator, conversation, reason=reason).send(as_operator, url)
    assert response.status_code == 422
    assert words in text_of(response)
    assert form_in(response, "token").values("ending") == [conversation.openai_id[-6:]]
    assert len(sandbox.log) == 0


def test_the_whole_of_a_short_id_is_requested(as_operator: Browser, credential: Credential) -> None:
    short = make_conversation(credential, openai_id="c1")
    assert "type the last 2 characters of the id" in text_of(as_operator.get(f"/conversations/{short.pk}/erase/"))


def test_a_form_without_its_token_does_nothing(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    response = as_operator.post(url, {"reason": "Ticket 7", "ending": conversation.openai_id[-6:]})
    assert response.status_code == 422
    assert "This form can’t be sent (This field is required.) Reload the page" in text_of(response)
    assert len(sandbox.log) == 0


# R27: there is no count of items


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "<b>0 items</b>"), (1, "<b>1 item</b>"), (100, "<b>100 items</b>"), (101, "<b>more than 100 items</b>")],
)
def test_r27_items_are_counted_on_request(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, number: int, words: str
) -> None:
    add_messages(sandbox, conversation, number)
    assert "OpenAI doesn’t say how many items it has." in text_of(as_operator.get(url))
    assert words in text_of(as_operator.get(f"{url}?count=1"))


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_r27_where_they_cannot_be_counted_openai_is_quoted(
    as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = as_operator.get(f"{url}?count=1", headers=fragment("item-count"))
    assert response.status_code == 200
    assert words in text_of(response)


def test_r27_where_the_credential_cannot_be_used_it_says_so(
    as_operator: Browser, url: str, credential: Credential
) -> None:
    credential.is_active = False
    credential.save()
    assert "is inactive" in text_of(as_operator.get(f"{url}?count=1", headers=fragment("item-count")))


# Beginning


def test_r25_begins_with_a_read_and_leads_to_the_erasure(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    response = filled_in(as_operator, conversation, reason="Ticket 7").send(as_operator, url)
    erasure = Erasure.objects.get()
    assert response["Location"] == erasure.get_absolute_url()
    assert (erasure.reason, erasure.actor_name) == ("Ticket 7", "operator")
    assert [(entry.method, entry.status) for entry in sandbox.log] == [("GET", 200)]


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_r25_without_a_read_nothing_is_erased_and_there_is_no_receipt(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = filled_in(as_operator, conversation).send(as_operator, url)
    assert response.status_code == 502
    assert words in text_of(response)
    assert form_in(response, "token").values("reason") == ["Ticket 7"]
    assert (Erasure.objects.exists(), deletions(sandbox)) == (False, [])


def test_tells_that_openai_cannot_be_reached(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    form = filled_in(as_operator, conversation)
    sandbox.stop()
    assert UNREACHABLE in text_of(form.send(as_operator, url))
    assert not Erasure.objects.exists()


def test_after_a_failure_the_form_can_be_sent_again_r8(
    as_operator: Browser, conversation: Conversation, url: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(status=401))
    response = filled_in(as_operator, conversation).send(as_operator, url)
    form_in(response, "token").send(as_operator, url)
    assert Erasure.objects.get().reason == "Ticket 7"


def test_the_same_form_sent_twice_leads_to_the_same_erasure_r8(
    as_operator: Browser, conversation: Conversation, url: str, operator: User, sandbox: Sandbox
) -> None:
    form = filled_in(as_operator, conversation)
    form.send(as_operator, url)
    erasure = work_on(actor=operator, erasure=Erasure.objects.get())
    assert erasure.is_finished
    sandbox.log.clear()
    assert form.send(as_operator, url)["Location"] == erasure.get_absolute_url()
    assert (Erasure.objects.count(), len(sandbox.log)) == (1, 0)


@pytest.mark.parametrize("stage", ["running", "stopped"])
def test_one_that_is_not_finished_is_led_to_instead(
    as_operator: Browser, conversation: Conversation, url: str, operator: User, stage: str
) -> None:
    form = filled_in(as_operator, conversation)
    erasure = start_erasure(actor=operator, conversation=conversation, reason="First")
    Erasure.objects.update(stage=stage)
    assert as_operator.get(url)["Location"] == erasure.get_absolute_url()
    assert form.send(as_operator, url)["Location"] == erasure.get_absolute_url()
    assert Erasure.objects.get().reason == "First"


def test_while_somebody_changes_it_it_is_not_begun_r6(
    as_operator: Browser, conversation: Conversation, url: str, credential: Credential, sandbox: Sandbox
) -> None:
    facts = {"base_url": credential.base_url, "openai_id": conversation.openai_id, "actor_name": "somebody"}
    Event.objects.create(action="update", credential=credential, **facts)
    response = filled_in(as_operator, conversation).send(as_operator, url)
    assert response.status_code == 409
    assert "somebody" in text_of(response)
    assert (Erasure.objects.exists(), len(sandbox.log)) == (False, 0)


def test_asks_as_many_queries_for_many_pairs_as_for_two(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    counts = []
    for number in (1, 2, 16):
        known = make_known(sandbox, credential, {f"k{n}": "v" for n in range(number)})
        add_messages(sandbox, known, number)
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(f"/conversations/{known.pk}/erase/?count=1")
        counts.append(len(queries))
    assert counts[1] == counts[2]  # the first makes the client


def test_a_reason_of_two_lines_is_kept_with_one_character_between_them_r19(
    as_operator: Browser, conversation: Conversation, url: str
) -> None:
    filled_in(as_operator, conversation, reason="Ticket 7\nasked twice").send(as_operator, url)
    assert Erasure.objects.get().reason == "Ticket 7\nasked twice"
