"""Who may use the API: tokens, rights and limits."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.utils import timezone

from conversations.models import ApiToken, Credential
from tests.api.conftest import URL, make_token
from tests.factories import make_credential, make_user
from tests.html import signed_in, text_of

pytestmark = pytest.mark.django_db


def ask(text: str, method: str = "get", **options: object):
    return getattr(Browser(), method)(URL, headers={"Authorization": f"Bearer {text}"}, **options)


def test_without_a_token_the_error_says_how_to_send_one() -> None:
    response = Browser().get(URL)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert response.json()["error"]["message"].endswith("Authorization: Bearer YOUR_TOKEN.")


@pytest.mark.parametrize("text", ["", "cva_unknown", "sk-proj-1", "cva_" + "x" * 9000, "ü"])
def test_an_unknown_token_is_refused_and_not_repeated(text: str, db: None) -> None:
    response = ask(text)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")
    assert not text or text not in text_of(response)


def test_a_revoked_token_is_refused(credential: Credential) -> None:
    token, text = make_token(credential)
    assert ask(text).status_code == 200
    token.revoke()
    assert ask(text).status_code == 401


def test_a_session_of_the_dashboard_is_no_token(as_operator: Browser) -> None:
    assert as_operator.get(URL).status_code == 401


def test_each_right_is_needed_for_its_calls(credential: Credential) -> None:
    _, registers = make_token(credential, name="a", may_search=False)
    _, searches = make_token(credential, name="b", may_register=False)
    body = {"data": '{"id": "conv_1"}', "content_type": "application/json"}
    statuses = [ask(registers).status_code, ask(searches).status_code]
    statuses += [ask(registers, "post", **body).status_code, ask(searches, "post", **body).status_code]
    assert statuses == [403, 200, 202, 403]


def test_other_methods_are_not_allowed(token: str) -> None:
    response = ask(token, "delete")
    assert (response.status_code, response["Allow"]) == (405, "POST, GET")


def test_beyond_the_limit_the_api_says_how_long_to_wait(credential: Credential) -> None:
    _, text = make_token(credential, requests_per_minute=2)
    assert [ask(text).status_code for _ in range(3)] == [200, 200, 429]
    response = ask(text)
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(response["Retry-After"]) <= 60


def test_the_limit_ends_with_its_minute(credential: Credential) -> None:
    _, text = make_token(credential, requests_per_minute=1)
    assert [ask(text).status_code for _ in range(2)] == [200, 429]
    ApiToken.objects.update(window_start=timezone.now() - timedelta(seconds=61))
    assert ask(text).status_code == 200


def test_the_last_use_is_kept(credential: Credential) -> None:
    token, text = make_token(credential)
    ask(text)
    token.refresh_from_db()
    assert token.last_used_at > timezone.now() - timedelta(minutes=1)


def test_an_unknown_path_answers_in_json(token: str) -> None:
    response = Browser().get("/api/v1/models")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "invalid_request_error")


# In the admin


@pytest.fixture
def administrator(credential: Credential) -> User:
    return make_user(role="Administrator", teams=credential.teams.all(), is_staff=True)


def test_a_token_is_shown_once_and_stored_hashed(client: Browser, administrator: User, credential: Credential) -> None:
    fields = {"name": "Shop", "credential": credential.pk, "may_register": "on", "requests_per_minute": 60}
    page = text_of(signed_in(client, administrator).post("/admin/conversations/apitoken/add/", fields))
    text = page.partition("<code>")[2].partition("</code>")[0]
    assert text.startswith("cva_")
    assert ask(text, "post", data='{"id": "conv_1"}', content_type="application/json").status_code == 202
    token = ApiToken.objects.get()
    assert text not in str(ApiToken.objects.values().get())
    assert token.created_by == administrator
    assert text not in text_of(client.get(f"/admin/conversations/apitoken/{token.pk}/change/"))
    assert text not in text_of(client.get("/admin/conversations/apitoken/"))


def test_a_token_can_not_be_made_for_a_credential_of_another_team(client: Browser, administrator: User) -> None:
    fields = {"name": "Shop", "credential": make_credential().pk, "requests_per_minute": 60}
    signed_in(client, administrator).post("/admin/conversations/apitoken/add/", fields)
    assert not ApiToken.objects.exists()


def test_tokens_are_revoked_in_the_list(client: Browser, administrator: User, credential: Credential) -> None:
    token, text = make_token(credential)
    fields = {"action": "revoke", "_selected_action": token.pk}
    signed_in(client, administrator).post("/admin/conversations/apitoken/", fields)
    assert ask(text).status_code == 401


def test_an_operator_may_not_make_tokens(as_operator: Browser) -> None:
    assert as_operator.get("/admin/conversations/apitoken/add/").status_code in (302, 403)
