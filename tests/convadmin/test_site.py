"""What all pages have in common: content security policy, signing in and out, and headers for htmx."""

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import path

from convadmin.urls import urlpatterns as ours
from tests.factories import PASSWORD
from tests.html import fragment, is_page, signed_in, text_of

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
PAGES = ["/", "/conversations/", "/conversations/new/", "/conversations/get/", "/activity/", "/password/", "/admin/"]
SIGN_IN = "/sign-in/"


def broken(request: object) -> HttpResponse:
    raise ImproperlyConfigured("a secret of the server")


urlpatterns = [path("broken/", broken), *ours]


@pytest.mark.parametrize("url", [*PAGES, "/admin/conversations/credential/add/", "/admin/auth/user/"])
def test_every_page_has_the_policy(client: Browser, superuser: User, url: str) -> None:
    response = signed_in(client, superuser).get(url)
    assert response.status_code == 200
    assert response["Content-Security-Policy"].startswith(POLICY)


@pytest.mark.parametrize(
    ("url", "status"), [("/nowhere/", 404), ("/conversations/new/", 403), ("/healthz", 200), (SIGN_IN, 302)]
)
def test_every_other_response_has_the_policy_too(client: Browser, viewer: User, url: str, status: int) -> None:
    response = signed_in(client, viewer).get(url)
    assert response.status_code == status
    assert response["Content-Security-Policy"].startswith(POLICY)


@pytest.mark.urls("tests.convadmin.test_site")
def test_a_server_error_reveals_nothing_and_has_the_policy(client: Browser, viewer: User) -> None:
    client.raise_request_exception = False
    response = signed_in(client, viewer).get("/broken/")
    assert response.status_code == 500
    assert "a secret" not in text_of(response)
    assert response["Content-Security-Policy"].startswith(POLICY)


def test_a_host_that_is_not_ours_is_refused_under_the_policy(client: Browser, db: None) -> None:
    response = client.get(SIGN_IN, headers={"Host": "evil.example.com"})
    assert response.status_code == 400
    assert response["Content-Security-Policy"].startswith(POLICY)


def test_the_policy_allows_nothing_inline() -> None:
    sources = {source for sources in project.SECURE_CSP.values() for source in sources}
    assert sources == {"'self'", "'none'"}


@pytest.mark.parametrize("url", PAGES)
def test_no_page_needs_what_the_policy_forbids(client: Browser, superuser: User, url: str) -> None:
    text = text_of(signed_in(client, superuser).get(url))
    assert " style=" not in text
    assert "<style" not in text
    assert "<script>" not in text
    assert " onclick=" not in text


@pytest.mark.parametrize(
    "url",
    [*PAGES, "/start/", "/views/", "/erasures/", "/conversations/overview/", "/nowhere/", "/conversations/new/x/",
     "/admin/jsi18n/", "/admin/conversations/credential/"],
)  # fmt: skip
def test_no_cache_keeps_what_one_sees(client: Browser, superuser: User, url: str) -> None:
    assert "no-store" in signed_in(client, superuser).get(url)["Cache-Control"]


def test_no_cache_keeps_a_refusal_or_a_failure(client: Browser, viewer: User) -> None:
    assert signed_in(client, viewer).get("/conversations/new/")["Cache-Control"] == "no-store"
    assert client.get("/sign-in/", headers={"Host": "evil.example.com"})["Cache-Control"] == "no-store"


def test_healthz_responds_without_a_sign_in_and_is_not_cached(client: Browser, db: None) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response["Cache-Control"]
    assert client.post("/healthz").status_code == 405


def test_signing_in_leads_to_the_page_that_was_wanted(client: Browser, viewer: User) -> None:
    response = client.post(SIGN_IN, {"username": "viewer", "password": PASSWORD, "next": "/activity/?show=unresolved"})
    assert response["Location"] == "/activity/?show=unresolved"


@pytest.mark.parametrize(
    "evil", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(client: Browser, viewer: User, evil: str) -> None:
    response = client.post(SIGN_IN, {"username": "viewer", "password": PASSWORD, "next": evil})
    assert response["Location"] == "/start/"


def test_a_wrong_password_keeps_the_name_and_not_the_password(client: Browser, viewer: User) -> None:
    text = text_of(client.post(SIGN_IN, {"username": "viewer", "password": "wrong-marker", "next": "/activity/"}))
    assert 'value="viewer"' in text
    assert 'value="/activity/"' in text
    assert "wrong-marker" not in text


def test_someone_inactive_cannot_sign_in_and_loses_what_is_open(client: Browser, viewer: User) -> None:
    browser = signed_in(client, viewer)
    User.objects.update(is_active=False)
    assert browser.get("/conversations/").status_code == 302
    assert client.post(SIGN_IN, {"username": "viewer", "password": PASSWORD}).status_code == 200


def test_signing_out_is_a_post(as_operator: Browser) -> None:
    assert as_operator.get("/sign-out/").status_code == 405
    assert as_operator.post("/sign-out/")["Location"] == SIGN_IN
    assert as_operator.get("/conversations/").status_code == 302


def test_a_password_is_changed_by_whoever_knows_the_old_one(as_operator: Browser, operator: User) -> None:
    new = {"new_password1": "another long phrase 7", "new_password2": "another long phrase 7"}
    assert as_operator.post("/password/", {"old_password": "wrong", **new}).status_code == 200
    response = as_operator.post("/password/", {"old_password": PASSWORD, **new}, follow=True)
    operator.refresh_from_db()
    assert operator.check_password("another long phrase 7")
    assert "<h1>Password changed</h1>" in text_of(response)


def test_a_changed_password_ends_the_other_sessions(as_operator: Browser, operator: User) -> None:
    elsewhere = signed_in(Browser(), operator)
    new = {"new_password1": "another long phrase 7", "new_password2": "another long phrase 7"}
    as_operator.post("/password/", {"old_password": PASSWORD, **new})
    assert as_operator.get("/jobs/").status_code == 200
    assert elsewhere.get("/jobs/").status_code == 302


@pytest.mark.parametrize("password", ["Summer2024", "elevenchars", "password1234", "918273645546", "operator-123"])
def test_a_password_that_is_soon_guessed_is_refused(as_operator: Browser, operator: User, password: str) -> None:
    typed = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    assert as_operator.post("/password/", typed).status_code == 200
    operator.refresh_from_db()
    assert operator.check_password(PASSWORD)


@pytest.mark.parametrize("url", [SIGN_IN, "/conversations/new/", "/conversations/get/", "/password/", "/sign-out/"])
def test_a_form_of_another_site_is_refused_with_an_explanation(operator: User, url: str) -> None:
    browser = signed_in(Browser(enforce_csrf_checks=True), operator)
    response = browser.post(url, {"token": "t"})
    assert response.status_code == 403
    assert "Not allowed" in text_of(response)


@pytest.mark.parametrize("url", ["/conversations/", SIGN_IN, "/nowhere/"])
def test_caches_keep_page_and_fragment_apart(client: Browser, db: None, url: str) -> None:
    varies = {name.strip() for name in client.get(url)["Vary"].split(",")}
    assert {"HX-Request", "HX-Target"} <= varies


def test_caches_keep_responses_to_htmx_apart_too(client: Browser, db: None) -> None:
    varies = client.get("/conversations/", headers=fragment("results"))["Vary"]
    assert "HX-Request" in varies
    assert "HX-Target" in varies


def wanted_after_sign_in(client: Browser, current: str) -> str:
    headers = {**fragment("results"), "HX-Current-URL": current}
    response = client.get("/conversations/?page=fragment", headers=headers)
    assert response.status_code == 200
    return response["HX-Redirect"]


def test_htmx_is_led_to_the_sign_in_and_back_to_its_page(client: Browser, db: None) -> None:
    there = wanted_after_sign_in(client, "http://testserver/conversations/?q=tenant%3Aacme")
    assert there == "/sign-in/?next=/conversations/%3Fq%3Dtenant%253Aacme"


@pytest.mark.parametrize(
    "current", ["https://evil.example.com/x", "javascript:alert(1)", "", "http://testserver@evil/", "http://["]
)
def test_a_foreign_current_page_is_not_returned_to(client: Browser, db: None, current: str) -> None:
    assert wanted_after_sign_in(client, current) == "/sign-in/?next=/start/"


def test_a_current_page_that_only_looks_like_ours_is_refused_after_the_sign_in(client: Browser, viewer: User) -> None:
    there = wanted_after_sign_in(client, "http://testserver//evil.example.com/")
    response = client.post(there, {"username": "viewer", "password": PASSWORD, "next": "//evil.example.com/"})
    assert response["Location"] == "/start/"


def test_a_form_that_htmx_sends_after_the_session_ended_stays_where_it_is(client: Browser, db: None) -> None:
    response = client.post("/conversations/new/", {"key": "typed"}, headers=fragment("new-conversation"))
    assert response.status_code == 401
    assert "HX-Redirect" not in response


@pytest.mark.parametrize(
    ("referer", "there"),
    [
        ("http://testserver/conversations/1/?done=2", "/sign-in/?next=/conversations/1/%3Fdone%3D2"),
        ("https://evil.example.com/x", "/sign-in/?next=/conversations/1/refresh/"),
        ("http://testserver.evil.example.com/x", "/sign-in/?next=/conversations/1/refresh/"),
        ("", "/sign-in/?next=/conversations/1/refresh/"),
    ],
)
def test_after_a_button_that_came_too_late_one_returns_to_its_page(
    client: Browser, db: None, referer: str, there: str
) -> None:
    response = client.post("/conversations/1/refresh/", headers={"Referer": referer})
    assert response["Location"] == there


def test_htmx_gets_no_302_that_it_would_paste_into_the_page(as_operator: Browser) -> None:
    response = as_operator.get("/start/", headers=fragment("main"))
    assert (response.status_code, response["HX-Redirect"]) == (200, "/")
    assert "Location" not in response


def test_the_back_button_gets_the_whole_page(as_operator: Browser) -> None:
    headers = {**fragment("results"), "HX-History-Restore-Request": "true"}
    assert is_page(as_operator.get("/conversations/", headers=headers))


def test_htmx_keeps_no_page_in_the_browser_and_evaluates_nothing(as_operator: Browser) -> None:
    text = text_of(as_operator.get("/conversations/"))
    for setting in ('"historyCacheSize": 0', '"historyRestoreAsHxRequest": false', '"allowEval": false'):
        assert setting in text


@pytest.mark.parametrize("url", PAGES)
def test_every_page_has_one_heading_of_the_first_rank_and_says_what_is_current(
    client: Browser, superuser: User, url: str
) -> None:
    text = text_of(signed_in(client, superuser).get(url))
    assert text.count("<h1") == 1
    assert '<html lang="en"' in text


@pytest.mark.parametrize(("url", "status"), [("/nowhere/", 404), ("/conversations/new/", 403)])
def test_refusals_are_pages_with_a_heading_and_a_way_on(client: Browser, viewer: User, url: str, status: int) -> None:
    text = text_of(signed_in(client, viewer).get(url))
    assert text.count("<h1") == 1
    assert 'href="/"' in text
