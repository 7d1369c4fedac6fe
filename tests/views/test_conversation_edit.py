"""Editing the metadata of a conversation."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from conversations.services.conversations import refresh_conversation
from tests.factories import make_conversation, make_known, metadata_at
from tests.html import (
    REFUSALS,
    UNREACHABLE,
    Form,
    everything,
    form_in,
    fragment,
    is_page,
    text_of,
)


@pytest.fixture
def with_two_pairs(sandbox: Sandbox, credential: Credential) -> Conversation:
    return make_known(sandbox, credential, {"tenant": "acme", "plan": "pro"})


@pytest.fixture
def url(with_two_pairs: Conversation) -> str:
    return f"/conversations/{with_two_pairs.pk}/metadata/"


def opened(browser: Browser, url: str) -> Form:
    return form_in(browser.get(url), "opened_with")


def rows(response: object) -> list[tuple[str, str]]:
    form = form_in(response, "opened_with")  # type: ignore[arg-type]
    return list(zip(form.values("key"), form.values("value"), strict=True))


def test_shows_a_row_for_each_pair(as_operator: Browser, url: str) -> None:
    response = as_operator.get(url)
    assert is_page(response)
    assert rows(response) == [("tenant", "acme"), ("plan", "pro")]


def test_serves_the_form_alone_to_htmx(as_operator: Browser, url: str) -> None:
    response = as_operator.get(url, headers=fragment("metadata"))
    assert not is_page(response)
    assert rows(response) == [("tenant", "acme"), ("plan", "pro")]


def test_a_get_changes_nothing_r3(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    before = everything()
    as_operator.get(url, {"fill": "ours"})
    assert everything() == before
    assert len(sandbox.log) == 0


def test_sends_what_was_typed_and_tells_key_by_key(
    as_operator: Browser, with_two_pairs: Conversation, url: str, sandbox: Sandbox
) -> None:
    form = opened(as_operator, url).fill("value", "umbrella")
    response = form.send(as_operator, url, "save", follow=True)
    assert metadata_at(sandbox, with_two_pairs.openai_id) == {"tenant": "umbrella", "plan": "pro"}
    told = {change.key: change.kind.value for change in response.context_data["compared"]}
    assert told == {"tenant": "changed", "plan": "kept"}


def test_a_conversation_without_metadata_can_get_some(
    as_operator: Browser, sandbox: Sandbox, credential: Credential
) -> None:
    bare = make_known(sandbox, credential)
    url = f"/conversations/{bare.pk}/metadata/"
    form = form_in(opened(as_operator, url).send(as_operator, url, "add-pair"), "key")
    assert form.fill("key", "a").fill("value", "b").send(as_operator, url, "save").status_code == 302
    assert metadata_at(sandbox, bare.openai_id) == {"a": "b"}


def test_all_metadata_can_be_removed(as_operator: Browser, with_two_pairs: Conversation, url: str) -> None:
    form = opened(as_operator, url)
    for _ in range(2):
        form = form_in(form.send(as_operator, url, "remove-pair-0"), "opened_with")
    assert form.send(as_operator, url, "save").status_code == 302
    with_two_pairs.refresh_from_db()
    assert with_two_pairs.metadata == {}


def test_keeps_everything_where_a_row_is_not_valid(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    form = opened(as_operator, url).fill("key", "plan").fill("value", "x" * 513)
    response = form.send(as_operator, url, "save")
    assert response.status_code == 422
    assert rows(response) == [("plan", "x" * 513), ("plan", "pro")]
    assert text_of(response).count("is used more than once") == 2
    assert len(sandbox.log) == 0


@pytest.mark.parametrize("damage", ["", "[]", "null", "{", "[" * 99_999, '"{}"'])
def test_a_damaged_form_is_said_and_what_was_typed_is_kept(
    as_operator: Browser, url: str, sandbox: Sandbox, damage: str
) -> None:
    response = opened(as_operator, url).fill("opened_with", damage).send(as_operator, url)
    assert response.status_code == 422
    assert response.context_data["form"].errors["opened_with"]
    assert rows(response) == [("tenant", "acme"), ("plan", "pro")]


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_tells_what_openai_says_and_keeps_what_was_typed(
    as_operator: Browser, url: str, sandbox: Sandbox, fault: Fault, words: str, method: str
) -> None:
    sandbox.faults.add(Fault(**{**vars(fault), "method": method}))
    response = opened(as_operator, url).fill("value", "new").send(as_operator, url, "save")
    assert response.status_code == 502
    assert words in text_of(response)
    assert rows(response) == [("tenant", "new"), ("plan", "pro")]


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    form = opened(as_operator, url)
    sandbox.stop()
    assert UNREACHABLE in text_of(form.send(as_operator, url))


def test_an_error_stands_at_the_row_that_openai_names(as_operator: Browser, url: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(method="POST", status=400, param="metadata.plan", message="Not this one."))
    response = opened(as_operator, url).send(as_operator, url, "save")
    assert [row.errors for row in response.context_data["form"].metadata] == [[], ["Not this one."]]


def test_what_changed_elsewhere_is_shown_before_anything_is_sent_r6(
    as_operator: Browser, with_two_pairs: Conversation, url: str, sandbox: Sandbox
) -> None:
    form = opened(as_operator, url).fill("value", "mine")
    sandbox.store.set_metadata(with_two_pairs.openai_id, {"tenant": "theirs", "plan": "free", "extra": "1"})
    response = form.send(as_operator, url, "save")
    assert response.status_code == 409
    assert rows(response) == [("tenant", "mine"), ("plan", "free"), ("extra", "1")]
    assert metadata_at(sandbox, with_two_pairs.openai_id)["tenant"] == "theirs"


def test_saved_again_it_goes_over_what_openai_holds_now_r6(
    as_operator: Browser, with_two_pairs: Conversation, url: str, sandbox: Sandbox
) -> None:
    form = opened(as_operator, url).fill("value", "mine")
    sandbox.store.set_metadata(with_two_pairs.openai_id, {"tenant": "theirs", "plan": "free"})
    again = form_in(form.send(as_operator, url, "save"), "opened_with")
    assert again.send(as_operator, url, "save").status_code == 302
    assert metadata_at(sandbox, with_two_pairs.openai_id) == {"tenant": "mine", "plan": "free"}


def test_ours_can_be_sent_where_it_differs_r2(
    as_operator: Browser, operator: User, with_two_pairs: Conversation, url: str, sandbox: Sandbox
) -> None:
    sandbox.store.set_metadata(with_two_pairs.openai_id, {"tenant": "theirs"})
    refresh_conversation(actor=operator, conversation=with_two_pairs)
    opened(as_operator, f"{url}?fill=ours").send(as_operator, url, "save")
    with_two_pairs.refresh_from_db()
    assert (with_two_pairs.state, with_two_pairs.metadata) == ("active", {"tenant": "acme", "plan": "pro"})


def test_a_change_under_way_is_told_with_who_and_since_when_r6(
    as_operator: Browser, with_two_pairs: Conversation, url: str, sandbox: Sandbox
) -> None:
    Event.objects.create(
        actor_name="another",
        action="update",
        credential=with_two_pairs.credential,
        base_url=with_two_pairs.base_url,
        openai_id=with_two_pairs.openai_id,
    )
    response = opened(as_operator, url).send(as_operator, url, "save")
    assert response.status_code == 409
    assert "another has been changing this conversation since" in text_of(response)
    assert len(sandbox.log) == 0


def test_an_unknown_outcome_is_asked_about_also_after_a_row_was_added_r8(
    as_operator: Browser, with_two_pairs: Conversation, url: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(method="POST", drop="after", times=3))
    asked = opened(as_operator, url).fill("value", "mine").send(as_operator, url, "save")
    assert Event.objects.latest("pk").outcome == Outcome.UNKNOWN
    added = form_in(asked, "opened_with").send(as_operator, url, "add-pair")
    assert form_in(added, "after_unknown").send(as_operator, url, "save").status_code == 422


def test_more_than_sixteen_keys_wanted_and_removed_make_room_first_r12(
    as_operator: Browser, sandbox: Sandbox, credential: Credential
) -> None:
    known = make_known(sandbox, credential, {f"old{n}": "1" for n in range(10)})
    url = f"/conversations/{known.pk}/metadata/"
    form = opened(as_operator, url).fill("key", *(f"new{n}" for n in range(10)))
    form.send(as_operator, url, "save")
    assert metadata_at(sandbox, known.openai_id) == {f"new{n}": "1" for n in range(10)}
    assert [entry.method for entry in sandbox.log] == ["GET", "POST", "POST", "POST"]


def test_a_lone_surrogate_in_a_form_is_no_error_of_ours_r18(as_operator: Browser, url: str) -> None:
    form = opened(as_operator, url).fill("opened_with", json.dumps({"tenant": "\ud800"}))
    assert form.send(as_operator, url, "save").status_code == 409


def test_asks_as_many_queries_for_many_pairs_as_for_two(as_operator: Browser, credential: Credential) -> None:
    counts = []
    for pairs in (2, 16):
        conversation = make_conversation(credential, {f"k{n}": "v" for n in range(pairs)})
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(f"/conversations/{conversation.pk}/metadata/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
