"""Getting a conversation by its id."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential, Event
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_credential, make_known, make_remote, make_team
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

GET = "/conversations/get/"
ILLEGAL = ["a/b", "..", "a\tb", "a\x7fb", "x" * 256, "   ", "a\0b"]


def filled(browser: Browser, credential: Credential, openai_id: str) -> Form:
    return form_in(browser.get(GET), "openai_id").fill("openai_id", openai_id).fill("credential", str(credential.pk))


def test_shows_the_form_with_the_id_of_the_url(as_operator: Browser, credential: Credential) -> None:
    response = as_operator.get(GET, {"id": " conv_1 "})
    assert is_page(response)
    assert form_in(response, "openai_id").values("openai_id") == ["conv_1"]


def test_serves_the_form_alone_to_htmx(as_operator: Browser, credential: Credential) -> None:
    response = filled(as_operator, credential, "").send(as_operator, GET, headers=fragment("get-form"))
    assert response.status_code == 422
    assert not is_page(response)


def test_a_stranger_cannot_use_the_credential_of_another_team_r23(
    client: Browser, stranger: User, credential: Credential, sandbox: Sandbox
) -> None:
    form = {"openai_id": make_remote(sandbox), "credential": credential.pk, "token": "t"}
    response = signed_in(client, stranger).post(GET, form)
    assert response.status_code == 422
    assert len(sandbox.log) == 0


def test_an_unknown_id_is_said_with_openais_message_and_enters_nothing(
    as_operator: Browser, credential: Credential
) -> None:
    response = filled(as_operator, credential, "conv_unknown").send(as_operator, GET)
    assert response.status_code == 502
    assert "Conversation with id &#x27;conv_unknown&#x27; not found." in text_of(response)
    assert not Conversation.objects.exists()


def test_a_get_changes_nothing_r3(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    before = everything()
    as_operator.get(GET, {"id": make_remote(sandbox), "credential": credential.pk})
    assert everything() == before
    assert len(sandbox.log) == 0


def test_brings_it_into_the_index_and_opens_it(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    response = filled(as_operator, credential, make_remote(sandbox, {"a": "b"})).send(as_operator, GET)
    conversation = Conversation.objects.get()
    assert conversation.metadata == {"a": "b"}
    assert response["Location"] == conversation.get_absolute_url()


@pytest.mark.parametrize("openai_id", ILLEGAL)
def test_an_id_that_cannot_be_one_is_refused_at_its_field_and_kept(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, openai_id: str
) -> None:
    response = as_operator.post(GET, {"openai_id": openai_id, "credential": credential.pk, "token": "t"})
    assert list(response.context_data["form"].errors) == ["openai_id"]
    assert response.context_data["form"]["openai_id"].value() == openai_id
    assert len(sandbox.log) == 0


def test_a_choice_of_credential_survives_a_failure(as_operator: Browser, credential: Credential) -> None:
    make_credential(name="Aaa", teams=[*credential.teams.all()])
    response = filled(as_operator, credential, "conv_unknown").send(as_operator, GET)
    assert form_in(response, "openai_id").values("credential") == [str(credential.pk)]


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_and_keeps_the_id(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    response = filled(as_operator, credential, "conv_1").send(as_operator, GET)
    assert response.status_code == 502
    assert words in text_of(response)
    assert form_in(response, "openai_id").values("openai_id") == ["conv_1"]


def test_tells_that_openai_cannot_be_reached(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    sandbox.stop()
    response = filled(as_operator, credential, "conv_1").send(as_operator, GET)
    assert UNREACHABLE in text_of(response)


def test_says_whose_it_is_to_someone_who_may_see_that_r1(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    other = make_credential(sandbox, name="Billing key", teams=[*credential.teams.all()])
    known = make_known(sandbox, other)
    response = filled(as_operator, credential, known.openai_id).send(as_operator, GET)
    assert response.status_code == 409
    assert "belongs to <b>Billing key</b>" in text_of(response)


def foreign(sandbox: Sandbox) -> Conversation:
    """One that another team's credential brought, with what that team knows of it."""
    secret = make_credential(sandbox, name="Secret project", teams=[make_team("Elsewhere")])
    return make_known(sandbox, secret)


def test_does_not_say_whose_it_is_to_anyone_else_r23(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    known = foreign(sandbox)
    text = text_of(filled(as_operator, credential, known.openai_id).send(as_operator, GET))
    assert "under a credential of another team" in text
    assert "Secret project" not in text
    assert "Elsewhere" not in text
    assert known.get_absolute_url() not in text


def test_a_second_click_on_a_foreign_one_leads_to_what_one_may_see_r8_r23(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    form = filled(as_operator, credential, foreign(sandbox).openai_id)
    form.send(as_operator, GET)
    response = form.send(as_operator, GET, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == f"/activity/{Event.objects.get().pk}/"


def test_the_same_form_sent_twice_shows_the_first_result_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    form = filled(as_operator, credential, make_remote(sandbox))
    first, second = form.send(as_operator, GET), form.send(as_operator, GET)
    assert second["Location"] == first["Location"]
    assert len(sandbox.log) == 1


def test_asks_as_many_queries_for_many_credentials_as_for_two(as_operator: Browser, credential: Credential) -> None:
    counts = []
    for more in (1, 10):
        for _ in range(more):
            make_credential(teams=[*credential.teams.all()])
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(GET)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "pasted",
    [
        "“{}”",
        '"{}"',
        "'{}' ",
        "`{}`",
        "https://platform.openai.com/logs/{}?tab=items",
        "https://platform.openai.com/conversations/{}",
        "GET /v1/conversations/{}/items",
        "({}).",
        "<{}>,",
    ],
)
def test_an_id_in_quotes_or_in_a_url_is_understood(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, pasted: str
) -> None:
    remote = make_remote(sandbox)
    filled(as_operator, credential, pasted.format(remote)).send(as_operator, GET)
    assert Conversation.objects.get().openai_id == remote


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("thread_abc", "a thread of the Assistants API"),
        ("“resp_68a”", "a response"),
        ("msg_1", "a message"),
        ("x" * 300, "255 characters"),
    ],
)
def test_the_id_of_another_thing_is_told_and_kept(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, pasted: str, words: str
) -> None:
    response = filled(as_operator, credential, pasted).send(as_operator, GET)
    assert (response.status_code, len(sandbox.log)) == (422, 0)
    assert words in text_of(response)
    assert form_in(response, "openai_id").values("openai_id") == [pasted]
