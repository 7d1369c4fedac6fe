"""More messages than one call takes: what the pages say of those that were added, and what becomes of the others."""

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Event
from conversations.sandbox import Fault, Sandbox
from conversations.services.additions import token_of_call
from tests.html import Form, form_in, fragment, is_page, text_of, words_of
from tests.waiting import Clock, Meanwhile

NEW = "/conversations/new/"
ADDING = {"method": "POST", "path": "/conversations/[^/]+/items"}
SECOND = {**ADDING, "skip": 1}


def written(browser: Browser, url: str, count: int = 57) -> Form:
    """The form of a page with so many messages."""
    form = form_in(browser.get(url), "token")
    return form.put("role", *["user"] * count).put("text", *(f"Message {number}" for number in range(1, count + 1)))


def texts_at(sandbox: Sandbox, conversation: Conversation) -> list[str]:
    return [item["content"][0]["text"] for item in sandbox.store.list_items(conversation.openai_id)]


@pytest.fixture
def adding(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/items/new/"


@pytest.fixture
def _refused(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(**SECOND, status=400, param="items[1].content", code="bad", message="Too rude."))


def test_creates_with_all_of_them(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    response = written(as_operator, NEW).send(as_operator, NEW, "create", follow=True)
    created = Conversation.objects.get()
    assert response.redirect_chain[-1][0] == created.get_absolute_url()
    assert "Created at OpenAI. All 57 messages were added." in words_of(response)
    assert len(texts_at(sandbox, created)) == 57


def test_the_preview_tells_of_the_further_requests(as_operator: Browser, credential: Credential) -> None:
    response = written(as_operator, NEW).send(as_operator, NEW, "preview")
    assert "Then 37 more messages in further requests of up to 20" in words_of(response)
    assert "Message 20" in response.context_data["json"]
    assert "Message 21" not in response.context_data["json"]


@pytest.mark.usefixtures("_refused")
def test_a_sum_and_the_rest_after_a_refusal(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    response = written(as_operator, NEW).send(as_operator, NEW, "create")
    created, words = Conversation.objects.get(), words_of(response)
    assert response.status_code == 502
    assert "Conversation created with 40 of 57 messages. The other 17 weren’t added." in words
    for told in ("Too rude.", "bad", sandbox.log[-1].request_id):
        assert told in words
    form = form_in(response, "token")
    assert form.attributes["action"] == f"/conversations/{created.pk}/items/new/"
    assert form.values("text") == [f"Message {number}" for number in range(41, 58)]
    assert 'id="message-error-2"><p class="error">Too rude.' in text_of(response)


@pytest.mark.usefixtures("_refused")
def test_the_rest_can_be_added_from_there(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    form = form_in(written(as_operator, NEW).send(as_operator, NEW, "create"), "token")
    assert form.send(as_operator, form.attributes["action"], "send").status_code == 302
    assert texts_at(sandbox, Conversation.objects.get()) == [f"Message {number}" for number in range(1, 58)]


@pytest.mark.usefixtures("_refused")
def test_htmx_gets_the_page_of_the_rest_in_place_of_the_form(as_operator: Browser, credential: Credential) -> None:
    response = written(as_operator, NEW).send(as_operator, NEW, "create", headers=fragment("new-conversation"))
    assert is_page(response)
    assert (response["HX-Retarget"], response["HX-Reselect"]) == ("#main", "#main")
    assert response["HX-Push-Url"] == f"/conversations/{Conversation.objects.get().pk}/items/new/"


def test_what_may_have_been_added_is_asked_about_before_it_is_sent_again_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(**SECOND, drop="before"))
    response = written(as_operator, NEW).send(as_operator, NEW, "create")
    assert "It’s unknown whether the other 17 were added." in words_of(response)
    form = form_in(response, "after_unknown")
    url = form.attributes["action"]
    assert form.send(as_operator, url, "send").status_code == 422
    assert form.tick("again").send(as_operator, url, "send").status_code == 302
    assert len(texts_at(sandbox, Conversation.objects.get())) == 57


def test_what_arrived_without_a_response_is_not_offered_again(
    as_operator: Browser, adding: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(**SECOND, drop="after"))
    response = written(as_operator, adding).send(as_operator, adding, "send")
    assert "40 of 57 messages added. The last response got lost, but its messages were found" in words_of(response)
    form = form_in(response, "token")
    assert not form.values("after_unknown")
    form.send(as_operator, adding, "send")
    assert texts_at(sandbox, conversation) == [f"Message {number}" for number in range(1, 58)]


def test_the_rest_is_left_when_the_time_is_used_up(
    as_operator: Browser, adding: str, conversation: Conversation, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.faults.add(Meanwhile(**ADDING, act=lambda: clock.advance(4)))
    response = written(as_operator, adding).send(as_operator, adding, "send")
    assert response.status_code == 200
    assert "20 of 57 messages added. The time for one request was used up" in words_of(response)
    assert "Add the remaining 37" in words_of(response)
    form_in(response, "token").send(as_operator, adding, "send")
    assert texts_at(sandbox, conversation) == [f"Message {number}" for number in range(1, 58)]


def test_a_first_call_that_fails_keeps_the_form_as_it_was(as_operator: Browser, adding: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(**ADDING, status=403, message="No."))
    response = written(as_operator, adding).send(as_operator, adding, "send")
    assert response.status_code == 502
    assert len(form_in(response, "token").values("text")) == 57


def test_a_form_sent_twice_shows_the_first_result_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    form = written(as_operator, NEW)
    first = form.send(as_operator, NEW, "create")
    assert form.send(as_operator, NEW, "create")["Location"] == first["Location"]
    assert len(texts_at(sandbox, Conversation.objects.get())) == 57
    assert Event.objects.count() == 3


@pytest.mark.usefixtures("_refused")
def test_a_form_whose_response_got_lost_leads_to_the_rest_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    form = written(as_operator, NEW)
    form.send(as_operator, NEW, "create")
    response = form.send(as_operator, NEW, "create")
    created, rest = Conversation.objects.get(), form_in(response, "token")
    assert "Conversation created with 40 of 57 messages. This form was sent before" in words_of(response)
    assert rest.values("text") == [f"Message {number}" for number in range(41, 58)]
    rest.send(as_operator, rest.attributes["action"], "send")
    assert texts_at(sandbox, created) == [f"Message {number}" for number in range(1, 58)]


def test_the_rest_of_a_form_sent_twice_is_added_once_r8(
    as_operator: Browser, adding: str, conversation: Conversation, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.faults.add(Meanwhile(**ADDING, act=lambda: clock.advance(4)))
    form = written(as_operator, adding)
    form.send(as_operator, adding, "send")
    one, other = (form_in(form.send(as_operator, adding, "send"), "token") for _ in range(2))
    assert one.values("text") == [f"Message {number}" for number in range(21, 58)]
    one.send(as_operator, adding, "send")
    other.send(as_operator, adding, "send")
    assert texts_at(sandbox, conversation) == [f"Message {number}" for number in range(1, 58)]


def test_once_the_rest_is_added_the_form_has_nothing_left_to_offer_r8(
    as_operator: Browser, adding: str, conversation: Conversation, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.faults.add(Meanwhile(**ADDING, act=lambda: clock.advance(4)))
    form = written(as_operator, adding)
    form.send(as_operator, adding, "send")
    form_in(form.send(as_operator, adding, "send"), "token").send(as_operator, adding, "send")
    assert len(texts_at(sandbox, conversation)) == 57
    assert form.send(as_operator, adding, "send")["Location"] == conversation.get_absolute_url()


def test_what_may_have_been_added_is_asked_about_when_the_form_is_sent_again_r8(
    as_operator: Browser, adding: str, conversation: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(**SECOND, drop="after"))
    sandbox.faults.add(Fault(method="GET", path="/conversations/[^/]+/items", times=None, status=503))
    form = written(as_operator, adding)
    form.send(as_operator, adding, "send")
    response = form.send(as_operator, adding, "send")
    assert "20 of 57 messages added. It’s unknown whether the next 20 were added." in words_of(response)
    assert "Send it again anyway" in words_of(response)


def test_nothing_is_offered_while_a_call_is_under_way_r8(
    as_operator: Browser, adding: str, conversation: Conversation, operator: User
) -> None:
    form = written(as_operator, adding)
    form.send(as_operator, adding, "send")
    Event.objects.order_by("-pk").first().delete()
    [token] = form.values("token")
    common = {"action": "add_items", "actor": operator, "conversation": conversation}
    Event.objects.create(**common, openai_id=conversation.openai_id, token=token_of_call(token, 2))
    response = form.send(as_operator, adding, "send", follow=True)
    assert response.redirect_chain[-1][0] == conversation.get_absolute_url()
    assert "Some of its messages may still be on their way" in words_of(response)
