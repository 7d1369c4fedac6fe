"""What lets a person in: links for choosing a password, sessions, being active."""

import re

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.urls import reverse
from django.utils.http import base36_to_int, int_to_base36

from conversations.models.join_link import person_of_link
from conversations.services.history import history_of
from conversations.services.people import deactivate_person, make_link, reactivate_person
from tests.factories import PASSWORD, make_user
from tests.html import form_in, signed_in, text_of, words_of
from tests.views.people import rights_of, url_of

NEW = "another long phrase 7"
CHOICE = {"new_password1": NEW, "new_password2": NEW}
USED = "This link doesn’t work"


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    return signed_in(client, administrator)


@pytest.fixture
def invited(db: None) -> User:
    return make_user("invited", role="Viewer")


@pytest.fixture
def link(join_link: dict[str, str]) -> str:
    return reverse("person_join", kwargs=join_link)


def is_in(browser: Browser) -> bool:
    """Whether somebody is signed in in this browser."""
    return browser.get("/password/").status_code == 200


def sign_in(name: str, password: str) -> Browser:
    browser = Browser()
    browser.post("/sign-in/", {"username": name, "password": password})
    return browser


def messages_of(person: User) -> list[str]:
    return [entry.change_message for entry in history_of(person)]


# Choosing a password with a link


def test_the_link_leads_to_a_password_and_the_sign_in(client: Browser, link: str) -> None:
    assert "For the user invited." in words_of(client.get(link))
    response = client.post(link, CHOICE, follow=True)
    assert response.redirect_chain == [("/sign-in/", 302)]
    assert "Your password is set. Sign in as invited." in words_of(response)
    assert not is_in(client)
    assert is_in(sign_in("invited", NEW))
    assert messages_of(User.objects.get(username="invited"))[0] == "Chose a password with the link."


def test_a_used_link_does_nothing(client: Browser, link: str) -> None:
    client.post(link, CHOICE)
    for response in (client.get(link), client.post(link, dict.fromkeys(CHOICE, "yet another phrase 8"))):
        assert response.status_code == 410
        assert USED in words_of(response)
    assert is_in(sign_in("invited", NEW))


def test_the_link_still_works_after_a_refusal(client: Browser, link: str) -> None:
    response = client.post(link, {"new_password1": "short", "new_password2": "short"})
    assert response.status_code == 422
    assert "too short" in words_of(response)
    assert "short" not in form_in(response, "csrfmiddlewaretoken").values("new_password1")
    assert client.get(link).status_code == 200


def test_a_password_longer_than_one_can_sign_in_with_is_refused(client: Browser, link: str) -> None:
    long = "a long phrase " * 300
    response = client.post(link, dict.fromkeys(CHOICE, long))
    assert "at most 4096 characters" in words_of(response)
    assert response.status_code == 422


def test_an_old_link_does_nothing(client: Browser, link: str, settings: object) -> None:
    settings.PASSWORD_RESET_TIMEOUT = -1  # type: ignore[attr-defined]
    assert client.post(link, CHOICE).status_code == 410


def test_a_link_lasts_three_days(settings: object) -> None:
    assert settings.PASSWORD_RESET_TIMEOUT == 3 * 24 * 3600  # type: ignore[attr-defined]


def test_a_newer_link_replaces_an_older_one(client: Browser, superuser: User, link: str) -> None:
    newer = make_link(actor=superuser, person=User.objects.get(username="invited"))
    assert client.post(link, CHOICE).status_code == 410
    assert client.get(reverse("person_join", kwargs=newer)).status_code == 200


def test_a_corrected_address_keeps_the_link(client: Browser, link: str) -> None:
    User.objects.filter(username="invited").update(email="right@example.com")
    assert client.get(link).status_code == 200


def test_the_link_of_a_deactivated_person_does_nothing_even_later(client: Browser, superuser: User, link: str) -> None:
    person = User.objects.get(username="invited")
    deactivate_person(actor=superuser, person=person)
    assert client.post(link, CHOICE).status_code == 410
    reactivate_person(actor=superuser, person=person)
    assert client.post(link, CHOICE).status_code == 410


@pytest.mark.parametrize("uid", ["MQ", "", "x", "=", "MTAwMDAw", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "w6k", "LTE", "AA"])
def test_a_tampered_user_does_not_open_r22(
    client: Browser, join_link: dict[str, str], superuser: User, uid: str
) -> None:
    assert person_of_link(uid, join_link["token"]) is None
    if uid:
        assert client.post(f"/people/join/{uid}/{join_link['token']}/", CHOICE).status_code == 410


@pytest.mark.parametrize("token", ["x", "a-b", "%00", "set-password", "1-" + "0" * 32, "é-é"])
def test_a_tampered_token_does_not_open_r22(client: Browser, join_link: dict[str, str], token: str) -> None:
    assert client.post(f"/people/join/{join_link['uidb64']}/{token}/", CHOICE).status_code == 410


def test_a_later_date_in_the_token_does_not_open(client: Browser, join_link: dict[str, str]) -> None:
    date, _, digest = join_link["token"].partition("-")
    later = int_to_base36(base36_to_int(date) + 1)
    assert person_of_link(join_link["uidb64"], f"{later}-{digest}") is None


def test_the_link_keeps_its_url_to_itself(client: Browser, link: str) -> None:
    assert client.get(link)["Referrer-Policy"] == "strict-origin"
    assert link not in text_of(client.get(link))


def test_whoever_else_is_signed_in_there_is_warned_and_signed_out(admin: Browser, link: str) -> None:
    assert "You’re signed in as administrator. This link is for invited" in words_of(admin.get(link))
    admin.post(link, CHOICE)
    assert not is_in(admin)


# Making a new link


def test_a_new_link_ends_password_and_sessions(admin: Browser, operator: User) -> None:
    theirs = signed_in(Browser(), operator)
    response = admin.post(url_of(operator, "link"))
    path = re.search(r"/people/join/[^<]+", text_of(response))
    assert path
    assert not is_in(theirs)
    assert not is_in(sign_in("operator", PASSWORD))
    Browser().post(path[0], CHOICE)
    assert is_in(sign_in("operator", NEW))
    assert "Has to choose a password" not in words_of(admin.get(url_of(operator)))


def test_a_link_speaks_https_where_the_site_does(admin: Browser, operator: User, settings: object) -> None:
    settings.HTTPS = True  # type: ignore[attr-defined]
    assert "https://testserver/people/join/" in text_of(admin.post(url_of(operator, "link")))


def test_nobody_makes_a_link_for_themselves(admin: Browser, administrator: User) -> None:
    before = rights_of(administrator)
    admin.post(url_of(administrator, "link"))
    assert rights_of(administrator) == before
    assert "Change your own password under your name" in words_of(admin.get(url_of(administrator)))


def test_there_is_no_link_for_somebody_who_is_deactivated(admin: Browser, superuser: User, operator: User) -> None:
    deactivate_person(actor=superuser, person=operator)
    admin.post(url_of(operator, "link"))
    assert "Reactivate them first." in words_of(admin.get(url_of(operator)))


# Sessions


def test_all_sessions_of_a_person_end(admin: Browser, operator: User, colleague: User) -> None:
    theirs, others = [signed_in(Browser(), operator) for _ in range(2)], signed_in(Browser(), colleague)
    assert "End 2 sessions" in words_of(admin.get(url_of(operator)))
    admin.post(url_of(operator, "sign-out"))
    assert [is_in(browser) for browser in (*theirs, others, admin)] == [False, False, True, True]
    assert messages_of(operator) == ["2 sessions ended."]


def test_ones_own_session_stays(admin: Browser, administrator: User) -> None:
    other = signed_in(Browser(), administrator)
    admin.post(url_of(administrator, "sign-out"))
    assert (is_in(admin), is_in(other)) == (True, False)


# Deactivating


def test_a_deactivated_person_is_out_until_they_sign_in_again(admin: Browser, operator: User) -> None:
    theirs = signed_in(Browser(), operator)
    admin.post(url_of(operator, "deactivate"))
    assert not is_in(theirs)
    assert not is_in(sign_in("operator", PASSWORD))
    assert messages_of(operator) == ["Deactivated. 1 session ended."]
    admin.post(url_of(operator, "reactivate"))
    assert not is_in(theirs)
    assert is_in(sign_in("operator", PASSWORD))


def test_sessions_end_if_the_admin_deactivates_somebody(client: Browser, superuser: User, operator: User) -> None:
    signed_in(Browser(), operator)
    browser, url = signed_in(client, superuser), f"/admin/auth/user/{operator.pk}/change/"
    form_in(browser.get(url), "username").put("is_active").put("_save", "Save").send(browser, url)
    assert not rights_of(operator)[3]
    assert Session.objects.count() == 1


@pytest.mark.parametrize("who", ["administrator", "superuser"])
def test_nobody_deactivates_themselves(client: Browser, request: pytest.FixtureRequest, who: str) -> None:
    person = request.getfixturevalue(who)
    make_user("second", is_superuser=True)
    browser = signed_in(client, person)
    browser.post(url_of(person, "deactivate"))
    assert "You can’t deactivate yourself" in words_of(browser.get(url_of(person)))
    url = f"/admin/auth/user/{person.pk}/change/"
    form_in(browser.get(url), "username").put("is_active").put("_save", "Save").send(browser, url)
    assert rights_of(person)[3]


def test_locks_of_failed_sign_ins_stay(client: Browser, link: str) -> None:
    client.post(link, CHOICE)
    for _ in range(5):
        sign_in("invited", "wrong")
    assert not is_in(sign_in("invited", NEW))
