"""Limits of request bodies: small without signing in, larger for some forms. A refused body isn't read."""

from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from convadmin.wsgi import application
from conversations.models import Credential
from tests.factories import PASSWORD, make_conversation
from tests.html import is_page, signed_in, text_of

SIGN_IN = "/sign-in/"
NEW = "/conversations/new/"
FORM = "application/x-www-form-urlencoded"
KIB = 1024
MIB = 1024 * KIB


class Untouched(BytesIO):
    """A body that must not be read."""

    def read(self, *args: Any) -> bytes:
        raise AssertionError("the body was read")


def sent(browser: Browser, url: str, size: int, content_type: str = FORM, method: str = "POST") -> Any:
    """The response to a request with this Content-Length, whose body must not be read."""
    told = {"CONTENT_LENGTH": str(size), "CONTENT_TYPE": content_type, "wsgi.input": Untouched()}
    return browser.generic(method, url, **told)


def accepted(browser: Browser, url: str, size: int) -> bool:
    """Whether a form of this many bytes is accepted."""
    body = b"x=" + b"a" * (size - 2)
    return bool(browser.post(url, body, content_type=FORM).status_code != 413)


@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data; boundary=b", "text/plain"])
@pytest.mark.parametrize("url", [SIGN_IN, NEW, "/admin/", "/admin/login/", "/sign-out/"])
def test_a_strangers_body_is_not_read_beyond_64_kib(client: Browser, db: None, url: str, content_type: str) -> None:
    assert sent(client, url, 64 * KIB + 1, content_type).status_code == 413


def test_the_refusal_is_a_page_that_says_what_to_do(client: Browser, db: None) -> None:
    response = sent(client, SIGN_IN, 5_000_000)
    assert is_page(response)
    assert "shorten what you entered" in text_of(response)


def test_a_body_of_unknown_size_counts_as_too_large(client: Browser, db: None) -> None:
    for told in ({"HTTP_TRANSFER_ENCODING": "chunked"}, {"CONTENT_LENGTH": "many"}, {"CONTENT_LENGTH": "-1"}):
        response = client.generic("POST", SIGN_IN, **{"wsgi.input": Untouched(), "CONTENT_TYPE": FORM, **told})
        assert response.status_code == 413


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_no_method_carries_more(client: Browser, db: None, method: str) -> None:
    assert sent(client, SIGN_IN, 64 * KIB + 1, method=method).status_code == 413


def test_someone_signed_in_sends_long_messages(as_operator: Browser, credential: Credential) -> None:
    conversation = make_conversation(credential)
    items, metadata = f"/conversations/{conversation.pk}/items/new/", f"/conversations/{conversation.pk}/metadata/"
    for url in (NEW, f"{NEW}preview/", items, metadata):
        assert accepted(as_operator, url, 200 * KIB)
        assert sent(as_operator, url, 16 * MIB + 1).status_code == 413


@pytest.mark.parametrize("url", ["/conversations/get/", "/views/new/", "/password/", "/sign-out/", SIGN_IN])
def test_the_other_forms_stay_small(as_operator: Browser, url: str) -> None:
    assert sent(as_operator, url, 64 * KIB + 1).status_code == 413


def test_forms_of_the_admin_have_a_megabyte(client: Browser, superuser: User) -> None:
    url = "/admin/conversations/team/add/"
    assert accepted(signed_in(client, superuser), url, 200 * KIB)
    assert sent(client, url, MIB + 1).status_code == 413


def test_a_session_that_has_ended_is_a_strangers(as_operator: Browser, operator: User) -> None:
    User.objects.update(is_active=False)
    assert sent(as_operator, NEW, 64 * KIB + 1).status_code == 413


def test_a_long_user_name_is_refused_and_not_shown_again_whole(client: Browser, db: None) -> None:
    response = client.post(SIGN_IN, {"username": "<" * 9_000, "password": "x"})
    assert "A user name has at most 150 characters." in text_of(response)
    assert text_of(response).count("&lt;") <= 150


def test_a_long_password_is_refused(client: Browser, viewer: User) -> None:
    response = client.post(SIGN_IN, {"username": "viewer", "password": "x" * 5_000})
    assert "A password has at most 4096 characters." in text_of(response)


def test_the_admin_has_no_sign_in_of_its_own(client: Browser, superuser: User) -> None:
    response = client.get("/admin/login/?next=/admin/auth/")
    assert response["Location"] == "/sign-in/?next=/admin/auth/"
    assert client.post("/admin/login/", {"username": "root", "password": PASSWORD}).status_code == 405


def test_someone_signed_in_who_is_no_staff_is_not_sent_in_circles(client: Browser, viewer: User) -> None:
    assert signed_in(client, viewer).get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize(
    "content_type",
    [
        f"{FORM}; charset=utf-7",
        f"{FORM}; charset=utf-16",
        f"{FORM}; charset=hex",
        f"{FORM}; charset*=x'y'z",
        f"{FORM}; charset=\0",
        "multipart/form-data; boundary=b; charset=idna",
        "multipart/form-data",
        "multipart/form-data; boundary=",
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_an_explanation(db: None, content_type: str) -> None:
    query = b"next=%ff%fe&" + b"q=%d8" * 500
    environment = Browser()._base_environ(  # type: ignore[attr-defined]
        REQUEST_METHOD="POST", PATH_INFO=SIGN_IN, QUERY_STRING=query.decode(), CONTENT_TYPE=content_type
    )
    said: list[str] = []
    page = b"".join(application(environment, lambda status, headers: said.append(status)))
    assert said == ["400 Bad Request"]
    assert "Convadmin can’t read this request".encode() in page


def test_a_file_is_never_written_to_the_disk(as_operator: Browser, settings: Any, tmp_path: Any) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "nowhere")
    response = as_operator.post(NEW, {"upload": BytesIO(b"x" * 3 * MIB)})
    assert response.status_code == 422
