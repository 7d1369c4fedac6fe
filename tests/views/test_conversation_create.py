"""The New page: rows, preview, sending, and what becomes of what was typed."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Credential, Event, Outcome
from conversations.sandbox import Fault, Sandbox
from tests.factories import make_credential, make_team
from tests.html import (
    REFUSALS,
    UNREACHABLE,
    Form,
    form_in,
    fragment,
    is_page,
    signed_in,
    text_of,
)

NEW = "/conversations/new/"
PREVIEW = "/conversations/new/preview/"


def filled(browser: Browser, credential: Credential, text: str = "Hello") -> Form:
    """The form with a message and a pair."""
    form = form_in(browser.get(NEW), "token").fill("text", text).fill("key", "tenant").fill("value", "acme")
    return form.fill("credential", str(credential.pk))


def created(sandbox: Sandbox) -> int:
    return len(sandbox.store.list_conversations())


def test_shows_an_empty_form_with_the_only_credential_chosen(as_operator: Browser, credential: Credential) -> None:
    response = as_operator.get(NEW)
    assert is_page(response)
    assert form_in(response, "token").values("credential") == [str(credential.pk)]


def test_serves_the_form_alone_to_htmx(as_operator: Browser, credential: Credential) -> None:
    response = filled(as_operator, credential).send(as_operator, NEW, "add-pair", headers=fragment("new-conversation"))
    assert not is_page(response)
    assert form_in(response, "token").values("key") == ["tenant", ""]


def test_serves_the_preview_alone_to_htmx(as_operator: Browser, credential: Credential) -> None:
    response = filled(as_operator, credential).send(as_operator, PREVIEW, headers=fragment("preview"))
    assert not is_page(response)
    assert "&quot;tenant&quot;: &quot;acme&quot;" in text_of(response)


def test_offers_a_stranger_no_credential_of_another_team_r23(
    client: Browser, stranger: User, credential: Credential
) -> None:
    browser = signed_in(client, stranger)
    assert credential.name not in text_of(browser.get(NEW))
    response = filled(browser, credential).send(browser, NEW)
    assert response.status_code == 422


def test_a_stranger_cannot_send_with_a_foreign_credential_r23(
    client: Browser, stranger: User, credential: Credential, sandbox: Sandbox
) -> None:
    response = signed_in(client, stranger).post(NEW, {"credential": credential.pk, "token": "t"})
    assert "Choose a credential that you can use." in text_of(response)
    assert credential.host not in text_of(response)
    assert len(sandbox.log) == 0


def test_an_unknown_or_inactive_credential_is_an_error_at_its_field(
    as_operator: Browser, credential: Credential
) -> None:
    off = make_credential(name="Off", teams=[*credential.teams.all()], is_active=False)
    for pk in ("999999", "x", "9" * 5000, str(off.pk)):
        response = as_operator.post(NEW, {"credential": pk, "token": "t"})
        assert (response.status_code, list(response.context_data["form"].errors)) == (422, ["credential"])


def test_creates_what_was_typed_and_opens_it(as_operator: Browser, credential: Credential, sandbox: Sandbox) -> None:
    response = filled(as_operator, credential).send(as_operator, NEW, "create")
    conversation = Conversation.objects.get()
    assert response["Location"] == conversation.get_absolute_url()
    assert conversation.metadata == {"tenant": "acme"}
    [item] = sandbox.store.list_items(conversation.openai_id)
    assert (item["role"], item["content"][0]["text"]) == ("user", "Hello")


def test_leads_htmx_to_the_page_of_the_new_one(as_operator: Browser, credential: Credential) -> None:
    response = filled(as_operator, credential).send(as_operator, NEW, headers=fragment("new-conversation"))
    assert response["HX-Redirect"] == Conversation.objects.get().get_absolute_url()


def test_keeps_everything_where_a_row_is_not_valid(as_operator: Browser, credential: Credential) -> None:
    make_credential(name="Another", teams=[*credential.teams.all()])
    form = filled(as_operator, credential).fill("role", "developer").fill("key", "k" * 65)
    response = form.send(as_operator, NEW, "create")
    again = form_in(response, "token")
    assert response.status_code == 422
    assert "The key has 65 characters." in text_of(response)
    for name in ("credential", "role", "text", "key", "value"):
        assert again.values(name) == form.values(name)


@pytest.mark.parametrize("do", ["add-message", "add-pair", "create"])
def test_keeps_json_that_was_pasted_and_not_filled_in(as_operator: Browser, credential: Credential, do: str) -> None:
    form = filled(as_operator, credential).fill("json", '{"plan": "pro"}')
    response = form.send(as_operator, NEW, do)
    assert form_in(response, "token").values("json") == ['{"plan": "pro"}']


def test_sends_nothing_while_pasted_json_is_not_in_the_rows(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    response = filled(as_operator, credential).fill("json", '{"plan": "pro"}').send(as_operator, NEW, "create")
    assert response.status_code == 422
    assert "The rows don’t contain this yet." in text_of(response)
    assert created(sandbox) == 0


def test_fills_the_rows_from_json(as_operator: Browser, credential: Credential) -> None:
    form = filled(as_operator, credential).fill("json", '{"plan": "pro", "tenant": "umbrella"}')
    rows = form_in(form.send(as_operator, NEW, "fill"), "token")
    assert list(zip(rows.values("key"), rows.values("value"), strict=True)) == [("plan", "pro"), ("tenant", "umbrella")]
    assert rows.values("json") == [""]


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"\\ud800": null}', '{"a": "\\u0000"}', "[" * 9999, "{", "[1]"])
def test_json_that_cannot_be_kept_is_refused_and_stays_r18(
    as_operator: Browser, credential: Credential, text: str
) -> None:
    response = filled(as_operator, credential).fill("json", text).send(as_operator, NEW, "fill")
    assert response.context_data["form"].json_error
    assert form_in(response, "token").values("json") == [text]


@pytest.mark.parametrize(("fault", "words"), REFUSALS)
def test_tells_what_openai_says_and_keeps_what_was_typed(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    form = filled(as_operator, credential)
    response = form.send(as_operator, NEW, "create")
    assert response.status_code == 502
    assert words in text_of(response)
    assert form_in(response, "token").values("text") == ["Hello"]


def test_tells_that_nothing_was_sent_where_openai_cannot_be_reached(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.stop()
    response = filled(as_operator, credential).send(as_operator, NEW, "create")
    assert UNREACHABLE in text_of(response)
    assert Event.objects.get().outcome == Outcome.FAILED


@pytest.mark.parametrize(("param", "row"), [("items[1].content", "text"), ("metadata.tenant", "pair"), ("items", None)])
def test_an_error_stands_at_the_row_that_openai_names(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, param: str, row: str | None
) -> None:
    sandbox.faults.add(Fault(status=400, param=param, message="Not this one.", code="invalid_value"))
    form = form_in(filled(as_operator, credential).send(as_operator, NEW, "add-message"), "token")
    form = form_in(form.fill("text", "", "second").send(as_operator, NEW, "add-message"), "token")
    response = form.fill("text", "first", "", "third").send(as_operator, NEW, "create")
    shown = response.context_data["form"]
    assert [each.errors for each in shown.messages] == [[], [], ["Not this one."] if row == "text" else []]
    assert [each.errors for each in shown.metadata] == [["Not this one."] if row == "pair" else []]


def test_the_same_form_sent_twice_shows_the_first_result_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    form = filled(as_operator, credential)
    first = form.send(as_operator, NEW, "create")
    second = form.send(as_operator, NEW, "create", follow=True)
    assert second.redirect_chain[-1][0] == first["Location"]
    assert "This form was already sent." in text_of(second)
    assert created(sandbox) == 1


def test_a_refusal_gives_a_fresh_token_so_that_it_can_be_sent_again_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(status=400, message="Not now."))
    again = form_in(filled(as_operator, credential).send(as_operator, NEW, "create"), "token")
    assert again.send(as_operator, NEW, "create").status_code == 302
    assert created(sandbox) == 1


def unanswered(browser: Browser, credential: Credential, sandbox: Sandbox) -> Form:
    """The form after an attempt with an unknown outcome."""
    sandbox.faults.add(Fault(drop="after"))
    return form_in(filled(browser, credential).send(browser, NEW, "create"), "token")


def test_asks_before_it_sends_again_what_may_have_been_done_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    again = unanswered(as_operator, credential, sandbox)
    assert again.send(as_operator, NEW, "create").status_code == 422
    assert again.tick("again").send(as_operator, NEW, "create").status_code == 302


@pytest.mark.parametrize("do", ["add-pair", "add-message", "preview", "remove-pair-0", "fill"])
def test_the_buttons_of_the_rows_do_not_lose_the_question_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, do: str
) -> None:
    again = form_in(unanswered(as_operator, credential, sandbox).send(as_operator, NEW, do), "after_unknown")
    assert again.send(as_operator, NEW, "create").status_code == 422
    assert created(sandbox) == 1


def test_a_tick_given_stays_where_another_field_is_wrong_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    form = unanswered(as_operator, credential, sandbox).tick("again").fill("key", "")
    again = form_in(form.send(as_operator, NEW, "create"), "again")
    assert again.fill("key", "tenant").send(as_operator, NEW, "create").status_code == 302


def test_a_second_unknown_outcome_is_asked_about_anew_r8(
    as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    form = unanswered(as_operator, credential, sandbox).tick("again")
    sandbox.faults.add(Fault(drop="after"))
    again = form_in(form.send(as_operator, NEW, "create"), "after_unknown")
    assert again.values("again") == []
    assert again.values("after_unknown") == [str(Event.objects.latest("pk").pk)]


@pytest.mark.parametrize("do", ["remove-pair-" + "9" * 5000, "up-message-99", "down-pair-0", "add-pair-7"])
def test_a_button_for_a_row_that_is_not_there_does_nothing(
    as_operator: Browser, credential: Credential, sandbox: Sandbox, do: str
) -> None:
    response = filled(as_operator, credential).send(as_operator, NEW, do)
    assert response.status_code == 200
    assert created(sandbox) == 0


def test_enter_creates_because_the_first_button_does(as_operator: Browser, credential: Credential) -> None:
    assert form_in(as_operator.get(NEW), "token").buttons[0]["value"] == "create"


def test_shows_a_key_in_no_preview(as_operator: Browser, sandbox: Sandbox, credential: Credential) -> None:
    gated = make_credential(sandbox, teams=[*credential.teams.all()], headers={"X-Gate": "gate-marker-0123456789"})
    text = text_of(filled(as_operator, gated).send(as_operator, NEW, "preview"))
    assert "X-Gate: $X_GATE" in text
    assert sandbox.key not in text
    assert "gate-marker" not in text


def test_asks_as_many_queries_for_many_credentials_as_for_two(as_operator: Browser, credential: Credential) -> None:
    counts = []
    team = credential.teams.get()
    for more in (1, 10):
        for _ in range(more):
            make_credential(teams=[team, make_team()])
        with CaptureQueriesContext(connection) as queries:
            as_operator.get(NEW)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_what_was_created_and_could_not_be_stored_is_not_sent_again_unasked_r8(
    broken_index: None, as_operator: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    typed = {"credential": credential.pk, "role": "user", "text": "Hello", "key": "a", "value": "1", "stored": ""}
    response = as_operator.post("/conversations/new/", {**typed, "token": "first"})
    assert response.status_code == 507
    repeated = form_in(response, "text").send(as_operator, "/conversations/new/", do="create")
    assert (repeated.status_code, len(sandbox.store.list_conversations())) == (422, 1)
