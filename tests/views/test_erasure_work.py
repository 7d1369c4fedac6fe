"""Continuing an erasure, from its page: step, resume, stop, close."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.utils import timezone

from conversations.models import Conversation, Erasure, Event, Team
from conversations.models.choices import Stage
from conversations.sandbox import Fault, Sandbox
from conversations.services.erasures import stop_erasure
from tests.factories import make_user
from tests.html import UNREACHABLE, everything, fragment, is_page, signed_in, text_of

VERBS = ["step", "resume", "stop", "close"]


@pytest.fixture
def erasure(erasure: Erasure, sandbox: Sandbox) -> Erasure:
    """One of which the sandbox's log holds nothing yet."""
    sandbox.log.clear()
    return erasure


@pytest.fixture(params=VERBS)
def url(request: pytest.FixtureRequest, erasure: Erasure) -> str:
    """Of each button."""
    return f"{erasure.get_absolute_url()}{request.param}/"


def post(browser: Browser, erasure: Erasure, verb: str) -> Any:
    """Without scripts, as a form is sent."""
    return browser.post(f"{erasure.get_absolute_url()}{verb}/")


def post_by_htmx(browser: Browser, erasure: Erasure, verb: str) -> Any:
    return browser.post(f"{erasure.get_absolute_url()}{verb}/", headers=fragment("erasure"))


def stage_of(erasure: Erasure) -> str:
    return Erasure.objects.get(pk=erasure.pk).stage


def change_it(conversation: Conversation) -> Event:
    """Somebody changes the conversation, and waits for the response."""
    facts = {"base_url": conversation.base_url, "openai_id": conversation.openai_id, "actor_name": "somebody"}
    return Event.objects.create(action="update", credential=conversation.credential, **facts)


def test_without_scripts_one_is_led_to_the_page(as_operator: Browser, url: str, erasure: Erasure) -> None:
    response = as_operator.post(url)
    assert response.status_code == 302
    assert response["Location"] == erasure.get_absolute_url()


def test_htmx_gets_what_moves_on_the_page(as_operator: Browser, url: str) -> None:
    response = as_operator.post(url, headers=fragment("erasure"))
    assert (response.status_code, is_page(response)) == (200, False)
    assert text_of(response).strip().startswith('<div id="erasure"')


# Working on


@pytest.mark.parametrize("verb", ["step", "resume"])
def test_continues_one_that_runs(as_operator: Browser, erasure: Erasure, sandbox: Sandbox, verb: str) -> None:
    text = text_of(post_by_htmx(as_operator, erasure, verb))
    assert ">Receipt</h2>" in text
    assert stage_of(erasure) == Stage.FINISHED
    assert sandbox.store.get_conversation(erasure.openai_id) is None


def test_the_page_never_resumes_a_stopped_one_by_itself(
    as_operator: Browser, stopped: Erasure, sandbox: Sandbox
) -> None:
    text = text_of(post_by_htmx(as_operator, stopped, "step"))
    assert "Stopped by operator." in text
    assert "hx-trigger" not in text
    assert (stage_of(stopped), len(sandbox.log)) == (Stage.STOPPED, 0)


def test_a_person_resumes_a_stopped_one(as_operator: Browser, stopped: Erasure, sandbox: Sandbox) -> None:
    post(as_operator, stopped, "resume")
    assert stage_of(stopped) == Stage.FINISHED
    assert sandbox.store.list_items(stopped.openai_id) == []


@pytest.mark.long
def test_refused_items_are_tried_again_when_it_is_resumed(
    as_operator: Browser, erasure: Erasure, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=400, message="Not this one."))
    assert "Not this one." in text_of(post_by_htmx(as_operator, erasure, "step"))
    assert "Not this one." not in text_of(post_by_htmx(as_operator, erasure, "resume"))
    assert stage_of(erasure) == Stage.FINISHED


def test_whoever_resumes_it_drives_it_from_then_on(
    client: Browser, erasure: Erasure, team: Team, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="DELETE", status=429, headers={"Retry-After": "9"}))
    text = text_of(post_by_htmx(signed_in(client, make_user("other", teams=[team])), erasure, "resume"))
    assert f'hx-post="{erasure.get_absolute_url()}step/"' in text
    assert [event.actor_name for event in erasure.events.order_by("pk")] == ["operator", "other"]


def test_a_finished_one_is_left_alone(as_operator: Browser, url: str, erasure: Erasure, sandbox: Sandbox) -> None:
    post(as_operator, erasure, "step")
    before = everything()
    sandbox.log.clear()
    as_operator.post(url)
    assert everything() == before
    assert len(sandbox.log) == 0


# Stopping


def test_stopping_says_who_did_it_and_nothing_more_is_deleted(
    as_operator: Browser, erasure: Erasure, sandbox: Sandbox
) -> None:
    text = text_of(post_by_htmx(as_operator, erasure, "stop"))
    assert "Stopped by operator." in text
    assert (stage_of(erasure), len(sandbox.log)) == (Stage.STOPPED, 0)
    assert len(sandbox.store.list_items(erasure.openai_id)) == 5


def test_a_stopped_one_holds_no_lock_r6(as_operator: Browser, erasure: Erasure, conversation: Conversation) -> None:
    post(as_operator, erasure, "stop")
    assert not Event.objects.lock_holders(conversation.base_url, conversation.openai_id).exists()


# Where it cannot continue


@pytest.mark.parametrize("verb", ["step", "resume"])
def test_while_another_process_works_on_it_the_page_waits(
    as_operator: Browser, erasure: Erasure, sandbox: Sandbox, verb: str
) -> None:
    assert Erasure.objects.lease(erasure.pk, 60)
    text = text_of(post_by_htmx(as_operator, erasure, verb))
    assert 'hx-trigger="load delay:2.0s' in text
    assert (stage_of(erasure), len(sandbox.log)) == (Stage.RUNNING, 0)


def test_the_lease_of_a_process_that_died_ends(as_operator: Browser, erasure: Erasure) -> None:
    assert Erasure.objects.lease(erasure.pk, 60)
    Erasure.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    post(as_operator, erasure, "step")
    assert stage_of(erasure) == Stage.FINISHED
    assert Erasure.objects.get().lease == ""


def test_htmx_is_told_that_somebody_changes_the_conversation_r6(
    as_operator: Browser, stopped: Erasure, conversation: Conversation, sandbox: Sandbox
) -> None:
    change_it(conversation)
    response = post_by_htmx(as_operator, stopped, "resume")
    assert (response.status_code, is_page(response)) == (200, False)
    assert "somebody" in text_of(response)
    assert 'class="notice notice-error" role="alert"' in text_of(response)
    assert (len(sandbox.log), Erasure.objects.get().lease) == (0, "")


def test_without_scripts_it_is_told_on_the_page_that_follows(
    as_operator: Browser, stopped: Erasure, conversation: Conversation
) -> None:
    change_it(conversation)
    response = as_operator.post(f"{stopped.get_absolute_url()}resume/", follow=True)
    assert is_page(response)
    assert "somebody has been changing this conversation" in text_of(response)


def test_continues_once_nobody_changes_it_any_more_r6(
    as_operator: Browser, stopped: Erasure, conversation: Conversation
) -> None:
    change = change_it(conversation)
    post(as_operator, stopped, "resume")
    change.finish("succeeded")
    post(as_operator, stopped, "resume")
    assert stage_of(stopped) == Stage.FINISHED


STOPPING = {"x-should-retry": "false"}
SAID = [
    pytest.param(Fault(status=404, message="No such thing."), "No such thing.", Stage.STOPPED, id="404"),
    pytest.param(Fault(status=401), "told to answer 401", Stage.STOPPED, id="401"),
    pytest.param(Fault(status=429, headers={"Retry-After": "7"}), "load delay:7.0s", Stage.RUNNING, id="429: wait"),
    pytest.param(
        Fault(status=429, code="insufficient_quota"), "Add credit or raise the limit", Stage.STOPPED, id="429: pay"
    ),
    pytest.param(Fault(status=500, message="Oh no.", times=3), "Oh no.", Stage.RUNNING, id="500"),
    pytest.param(Fault(status=500, message="Oh no.", headers=STOPPING), "Oh no.", Stage.STOPPED, id="500: stop"),
]


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(("fault", "words", "stage"), SAID)
def test_tells_what_openai_says(
    as_operator: Browser, erasure: Erasure, sandbox: Sandbox, fault: Fault, words: str, stage: str
) -> None:
    sandbox.faults.add(fault)
    assert words in text_of(post_by_htmx(as_operator, erasure, "step"))
    assert stage_of(erasure) == stage


def test_tells_that_openai_cannot_be_reached_and_tries_again(
    as_operator: Browser, erasure: Erasure, sandbox: Sandbox
) -> None:
    sandbox.stop()
    text = text_of(post_by_htmx(as_operator, erasure, "step"))
    assert UNREACHABLE in text
    assert f'hx-post="{erasure.get_absolute_url()}step/"' in text
    assert stage_of(erasure) == Stage.RUNNING


def test_one_that_cannot_continue_at_present_says_that_nobody_works_on_it(
    as_operator: Browser, operator: User, erasure: Erasure
) -> None:
    stop_erasure(actor=operator, erasure=erasure)
    facts = {"base_url": erasure.base_url, "openai_id": erasure.openai_id, "credential": erasure.credential}
    Event.objects.create(action="update", actor_name="somebody", **facts)
    response = as_operator.post(f"/erasures/{erasure.pk}/resume/", headers=fragment("erasure"))
    assert "somebody has been changing this conversation" in text_of(response)
    assert "Nobody is working on it." in text_of(response)


def test_a_stopped_one_is_given_up_and_says_so(as_operator: Browser, operator: User, erasure: Erasure) -> None:
    stop_erasure(actor=operator, erasure=erasure)
    assert "Give up this erasure" in text_of(as_operator.get(f"/erasures/{erasure.pk}/"))
    response = as_operator.post(f"/erasures/{erasure.pk}/close/", headers=fragment("erasure"))
    assert "This erasure didn’t finish." in text_of(response)
    assert "Given up by operator." in text_of(response)
    assert "hx-post" not in text_of(response)
    assert Conversation.objects.get().metadata == {}


def test_a_running_one_is_not_given_up(as_operator: Browser, erasure: Erasure) -> None:
    response = as_operator.post(f"/erasures/{erasure.pk}/close/", headers=fragment("erasure"))
    assert "Only a stopped erasure can be given up." in text_of(response)
    assert Erasure.objects.get().stage == Stage.RUNNING
