"""Requests that no page of the admin sends are refused, on both databases."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from conversations.models import Credential
from tests.factories import make_conversation
from tests.html import form_in, signed_in, text_of

CONVERSATIONS = "/admin/conversations/conversation/"
USERS = "/admin/auth/user/"


@pytest.fixture
def admin(client: Browser, superuser: User, credential: Credential) -> Browser:
    """A superuser's browser, with a conversation in the index."""
    make_conversation(credential, {"k": "x"})
    client.raise_request_exception = False
    return signed_in(client, superuser)


@pytest.mark.parametrize(
    "url",
    [
        f"{CONVERSATIONS}?metadata__k=x",
        f"{CONVERSATIONS}?state__exact=%00",
        f"{CONVERSATIONS}?state__regex=(",
        f"{CONVERSATIONS}?q=%00",
        f"{CONVERSATIONS}?%00=1",
        f"{USERS}?date_joined__year=99999",
        f"{USERS}?q=a%00b",
        f"{USERS}add/?username=%00",
        "/admin/autocomplete/?app_label=conversations&model_name=conversation&field_name=credential&term=%00",
    ],
)
def test_a_url_that_no_page_links_to_is_refused(admin: Browser, url: str) -> None:
    response = admin.get(url)
    assert response.status_code == 400
    assert "Convadmin can’t read this request" in text_of(response)


@pytest.mark.parametrize("search", ["state__exact=active", "credential__id__exact=1", "q=conv", "o=1", "p=1"])
def test_the_filters_beside_the_list_still_work(admin: Browser, search: str) -> None:
    assert admin.get(f"{CONVERSATIONS}?{search}").status_code == 200


@pytest.mark.parametrize(
    "search", ["p=99999999999999999999", "is_active__exact=x", "o=9.9.9", "credential__id__exact=x"]
)
def test_values_of_filters_that_mean_nothing_are_no_failure(admin: Browser, search: str) -> None:
    for url in (USERS, CONVERSATIONS):
        assert admin.get(f"{url}?{search}").status_code in (200, 302, 400)


@pytest.mark.parametrize("key", ["\0", "x", "9" * 40, "-1", "é", ""])
@pytest.mark.parametrize("url", [CONVERSATIONS, USERS])
def test_a_tick_that_is_no_row_is_refused(admin: Browser, url: str, key: str) -> None:
    sent = {"action": "delete_selected", "_selected_action": key, "post": "yes"}
    assert admin.post(url, sent).status_code == 400


@pytest.mark.parametrize("key", ["9" * 30, "x", "%00", "-1", "1_2F"])
def test_a_row_that_cannot_be_is_no_failure(admin: Browser, key: str) -> None:
    for url in (CONVERSATIONS, USERS, "/admin/conversations/credential/"):
        assert admin.get(f"{url}{key}/change/").status_code in (302, 404)


def test_no_page_makes_a_copy(admin: Browser, credential: Credential) -> None:
    url = f"/admin/conversations/credential/{credential.pk}/change/"
    form: Any = form_in(admin.get(url), "base_url").put("_saveasnew", "1")
    assert form.put("api_key", "sk-typed-0123456789").send(admin, url).status_code == 400
    assert Credential.objects.count() == 1
