"""Copying a conversation: the page that says what comes along, and the pages of a copy that isn't complete."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser

from conversations.models import Conversation, Credential, Event
from conversations.sandbox import Fault, Sandbox
from tests.factories import add_messages, make_credential, make_known, make_team, make_user
from tests.html import REFUSALS, UNREACHABLE, Form, form_in, is_page, signed_in, text_of, words_of
from tests.waiting import Clock, Meanwhile

ADDING = {"method": "POST", "path": "/conversations/[^/]+/items"}


@pytest.fixture
def source(sandbox: Sandbox, conversation: Conversation) -> Conversation:
    add_messages(sandbox, conversation, 57)
    return conversation


@pytest.fixture
def url(source: Conversation) -> str:
    return f"/conversations/{source.pk}/copy/"


def copies(source: Conversation) -> list[Conversation]:
    return list(Conversation.objects.exclude(pk=source.pk))


def opened(browser: Browser, url: str) -> Form:
    return form_in(browser.get(url), "token")


def texts(sandbox: Sandbox, conversation: Conversation) -> list[str]:
    return [item["content"][0]["text"] for item in sandbox.store.list_items(conversation.openai_id)]


def test_says_what_comes_along_and_what_does_not(
    as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox
) -> None:
    sandbox.store.add_items(source.openai_id, [{"type": "reasoning", "summary": []}])
    response = as_operator.get(url)
    assert is_page(response)
    assert "57 items will be copied: 57 messages" in words_of(response)
    assert "No. 58, Reasoning: reasoning belongs to the response that it was part of." in words_of(response)
    assert form_in(response, "token").values("credential") == [str(source.credential_id)]
    assert url in text_of(as_operator.get(source.get_absolute_url()))


def test_copies_and_opens_the_copy(as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox) -> None:
    response = opened(as_operator, url).send(as_operator, url, follow=True)
    [copy] = copies(source)
    assert response.redirect_chain[-1][0] == copy.get_absolute_url()
    assert "Copied: 57 items." in words_of(response)
    assert texts(sandbox, copy) == texts(sandbox, source)
    assert copy.metadata == {"tenant": "acme"}


def test_the_metadata_may_stay_behind(as_operator: Browser, url: str, source: Conversation) -> None:
    opened(as_operator, url).put("with_metadata").send(as_operator, url)
    assert copies(source)[0].metadata == {}


def test_another_credential_may_be_chosen_and_a_foreign_one_not_r23(
    as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox
) -> None:
    other = make_credential(sandbox, teams=[*source.credential.teams.all()])
    foreign = make_credential(sandbox, teams=[make_team()])
    response = opened(as_operator, url).put("credential", str(foreign.pk)).send(as_operator, url)
    assert (response.status_code, copies(source)) == (422, [])
    assert "Choose a credential that you can use." in words_of(response)
    opened(as_operator, url).put("credential", str(other.pk)).send(as_operator, url)
    assert copies(source)[0].credential == other


def test_a_failure_ends_it_and_continue_copies_the_rest(
    as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(**ADDING, skip=1, status=400, code="bad", message="Not this."))
    response = opened(as_operator, url).send(as_operator, url)
    words = words_of(response)
    assert response.status_code == 502
    assert "40 items copied so far. The next ones weren’t added." in words
    for told in ("Not this.", "bad", sandbox.log[-1].request_id):
        assert told in words
    response = form_in(response, "token").send(as_operator, url, follow=True)
    assert "Copied: 57 items." in words_of(response)
    assert texts(sandbox, copies(source)[0]) == texts(sandbox, source)


def test_what_may_have_been_added_is_asked_about_r8(
    as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(**ADDING, drop="before"))
    form = form_in(opened(as_operator, url).send(as_operator, url), "after_unknown")
    refused = form.send(as_operator, url)
    assert refused.status_code == 422
    assert form_in(refused, "after_unknown").tick("again").send(as_operator, url).status_code == 302
    assert texts(sandbox, copies(source)[0]) == texts(sandbox, source)


def test_it_goes_on_when_the_time_is_used_up(
    as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.faults.add(Meanwhile(**ADDING, act=lambda: clock.advance(4)))
    response = opened(as_operator, url).send(as_operator, url)
    assert response.status_code == 200
    assert "40 items copied so far. The time for one request was used up." in words_of(response)
    assert form_in(response, "token").send(as_operator, url).status_code == 302
    assert texts(sandbox, copies(source)[0]) == texts(sandbox, source)


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_before_anything_is_created(
    as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    form = opened(as_operator, url)
    sandbox.faults.add(fault)
    response = form.send(as_operator, url)
    assert (response.status_code, copies(source)) == (502, [])
    assert words in text_of(response)


def test_a_page_whose_original_cannot_be_read_says_so(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.stop()
    response = as_operator.get(url)
    assert response.status_code == 502
    assert UNREACHABLE in text_of(response)


def test_the_same_form_sent_twice_copies_once_r8(
    as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox
) -> None:
    form = opened(as_operator, url)
    first = form.send(as_operator, url)
    assert form.send(as_operator, url)["Location"] == first["Location"]
    assert len(copies(source)) == 1


def test_a_copy_whose_response_got_lost_goes_on_from_where_it_was_r8(
    as_operator: Browser, url: str, source: Conversation, sandbox: Sandbox, clock: Clock
) -> None:
    sandbox.faults.add(Meanwhile(**ADDING, act=lambda: clock.advance(4)))
    form = opened(as_operator, url)
    form.send(as_operator, url)
    response = form.send(as_operator, url)
    [copy] = copies(source)
    assert "40 items copied so far. This form was sent before" in words_of(response)
    one, other = form_in(response, "token"), form_in(form.send(as_operator, url), "token")
    assert one.send(as_operator, url)["Location"] == copy.get_absolute_url()
    assert other.send(as_operator, url).status_code == 302
    assert texts(sandbox, copy) == texts(sandbox, source)


@pytest.mark.parametrize("target", ["x", "0", "-1", "9" * 30, "999999"])
def test_a_target_that_is_not_there_is_not_found(as_operator: Browser, url: str, target: str) -> None:
    form = opened(as_operator, url).put("target", target)
    assert form.send(as_operator, url).status_code == 404


def test_a_target_of_others_does_not_exist_r23(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    theirs = make_known(sandbox, make_credential(sandbox, teams=[make_team()]))
    assert opened(as_operator, url).put("target", str(theirs.pk)).send(as_operator, url).status_code == 404
    assert texts(sandbox, theirs) == []


def test_a_conversation_is_not_copied_into_itself(as_operator: Browser, url: str, source: Conversation) -> None:
    response = opened(as_operator, url).put("target", str(source.pk)).send(as_operator, url)
    assert (response.status_code, Event.objects.count()) == (422, 0)
    assert "can’t be copied into itself" in words_of(response)


def test_whoever_may_only_create_cannot_add_to_others_this_way(
    client: Browser, url: str, source: Conversation, credential: Credential
) -> None:
    creator = make_user(role="Viewer", teams=[*credential.teams.all()])
    creator.user_permissions.add(Permission.objects.get(codename="add_conversation"))
    assert signed_in(client, User.objects.get(pk=creator.pk)).get(url).status_code == 403
