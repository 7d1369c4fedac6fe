"""The pages of credentials: what they tell, adding, testing before and after saving, switching off, deleting."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Credential, Event, Team
from conversations.sandbox import Fault, Sandbox
from conversations.services.holds import purge_conversation
from tests.factories import KEY, add_header, make_conversation, make_credential, make_team
from tests.html import form_in, signed_in, text_of, words_of

NEW = "/credentials/new/"
TYPED = "sk-typed-marker-0123456789"
FRAGMENT = {"HX-Request": "true", "HX-Target": "test-result"}


@pytest.fixture
def admin(client: Browser, administrator: User) -> Browser:
    """A browser of an administrator who is no superuser, and not of the staff."""
    administrator.is_staff = False
    administrator.save()
    return signed_in(client, administrator)


def filled(sandbox: Sandbox, team: Team, **more: str) -> dict[str, str]:
    """The form of a new credential for the sandbox."""
    rows = {"headers-TOTAL_FORMS": "2", "headers-INITIAL_FORMS": "0"}
    numbers = {"concurrency": "8", "refreshes_per_hour": "1000"}
    typed = {"name": "New", "server": "other", "base_url": sandbox.url, "api_key": KEY, "teams": str(team.pk)}
    form = {**rows, **numbers, **typed, "is_active": "on", **more}
    return {name: value for name, value in form.items() if value}


def edited(browser: Browser, credential: Credential, **fields: str) -> HttpResponse:
    """The response to the credential's form with these fields."""
    url = f"{credential.get_absolute_url()}edit/"
    form = form_in(browser.get(url), "api_key")
    for name, value in fields.items():
        form.put(name.replace("__", "-"), value)
    return form.send(browser, url)


def test_a_credential_is_added_with_its_headers_and_team_r13(admin: Browser, sandbox: Sandbox, team: Team) -> None:
    more = {"headers-0-name": "X-Gate", "headers-0-value": "gate-marker-0123456789"}
    response = admin.post(NEW, filled(sandbox, team, **more))
    credential = Credential.objects.get()
    assert response["Location"] == credential.get_absolute_url()
    assert (credential.open_key(), credential.open_headers()) == (KEY, {"X-Gate": "gate-marker-0123456789"})
    assert list(credential.teams.all()) == [team]
    assert [entry.user.get_username() for entry in LogEntry.objects.all()] == ["administrator"]


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"server": "openai", "base_url": "https://ignored.example.com"}, "https://api.openai.com/v1"),
        ({"server": "region", "region": "eu"}, "https://eu.api.openai.com/v1"),
        ({"server": "azure", "resource": "my-res"}, "https://my-res.services.ai.azure.com/openai/v1"),
    ],
)
def test_the_base_url_follows_from_the_server(
    admin: Browser, sandbox: Sandbox, team: Team, settings: Any, fields: dict[str, str], base_url: str
) -> None:
    settings.CREDENTIAL_HOSTS = ["api.openai.com", "eu.api.openai.com", "my-res.services.ai.azure.com"]
    admin.post(NEW, filled(sandbox, team, **fields))
    credential = Credential.objects.get()
    assert credential.base_url == base_url
    page = admin.get(f"{credential.get_absolute_url()}edit/")
    assert dict(form_in(page, "api_key").fields)["server"] == fields["server"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"server": "azure", "resource": ""}, "Enter the name of the resource."),
        ({"server": "azure", "resource": "a/b"}, "A resource name has only letters, digits and hyphens"),
        ({"server": "other", "base_url": ""}, "Enter the base URL."),
        ({"server": "other", "base_url": "https://example.com/v1"}, "Keys can’t be sent to example.com."),
        ({"server": ""}, "Choose a server."),
        ({"name": ""}, "This field is required."),
        ({"api_key": ""}, "Paste the API key."),
        ({"teams": ""}, "Tick at least one team."),
        ({"headers-0-name": "Authorization", "headers-0-value": "x" * 20}, "Convadmin sends this header itself."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    admin: Browser, sandbox: Sandbox, team: Team, fields: dict[str, str], words: str
) -> None:
    response = admin.post(NEW, filled(sandbox, team, notes="typed before", **fields))
    assert response.status_code == 422
    assert words in words_of(response)
    assert "typed before" in text_of(response)
    assert KEY not in text_of(response)
    assert not Credential.objects.exists()


def test_a_team_of_others_cannot_be_ticked_and_stays_where_it_is(
    admin: Browser, credential: Credential, team: Team
) -> None:
    foreign = make_team("Elsewhere")
    credential.teams.add(foreign)
    assert edited(admin, credential, teams=str(foreign.pk)).status_code == 422
    assert edited(admin, credential, teams=str(team.pk)).status_code == 302
    assert set(credential.teams.all()) == {team, foreign}


def test_an_empty_key_keeps_the_stored_one_and_another_host_asks_for_it_again_r14(
    admin: Browser, credential: Credential
) -> None:
    assert edited(admin, credential, notes="kept").status_code == 302
    assert Credential.objects.get().open_key() == KEY
    response = edited(admin, credential, server="openai")
    assert (response.status_code, "Enter it again." in words_of(response)) == (422, True)


def test_values_are_tested_before_they_are_saved(admin: Browser, sandbox: Sandbox, team: Team) -> None:
    more = {"headers-0-name": "X-Gate", "headers-0-value": "gate-marker-0123456789", "do": "test"}
    response = admin.post(NEW, filled(sandbox, team, **more), headers=FRAGMENT)
    assert "Works: the server accepts the key" in words_of(response)
    assert "<html" not in text_of(response)
    assert sandbox.log[-1].headers["x-gate"] == "gate-marker-0123456789"
    assert not Credential.objects.exists()


def test_a_test_of_values_without_script_shows_the_whole_page(admin: Browser, sandbox: Sandbox, team: Team) -> None:
    response = admin.post(NEW, filled(sandbox, team, do="test", api_key=TYPED))
    assert "The key was refused" in words_of(response)
    assert "Nothing was saved." in words_of(response)
    assert TYPED not in text_of(response)


def test_a_test_of_values_that_cannot_be_sent_names_them(admin: Browser, sandbox: Sandbox, team: Team) -> None:
    sent = filled(sandbox, team, do="test", api_key="", name="")
    response = admin.post(NEW, sent, headers=FRAGMENT)
    assert "API key: Paste the API key." in words_of(response)
    assert not sandbox.log


def test_stored_secrets_are_tested_where_none_is_typed_r14(
    admin: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    add_header(credential, "X-Gate", "gate-stored-0123456789")
    assert "Works:" in words_of(edited(admin, credential, do="test"))
    assert sandbox.log[-1].headers["x-gate"] == "gate-stored-0123456789"
    sandbox.log.clear()
    assert "Enter it again" in words_of(edited(admin, credential, do="test", server="openai"))
    assert not sandbox.log


def test_a_stored_one_is_tested_and_the_result_kept_r17(admin: Browser, credential: Credential) -> None:
    response = admin.post(f"{credential.get_absolute_url()}test/", follow=True)
    assert "Works: the server accepts the key" in words_of(response)
    assert Credential.objects.get().test_passed is True


def test_it_is_switched_off_and_on(admin: Browser, credential: Credential) -> None:
    url = f"{credential.get_absolute_url()}activate/"
    assert "is deactivated" in words_of(admin.post(url, follow=True))
    assert Credential.objects.get().is_active is False
    admin.post(url, {"active": "yes"})
    assert Credential.objects.get().is_active is True
    assert LogEntry.objects.count() == 2


def test_it_is_deleted_only_without_conversations(admin: Browser, credential: Credential) -> None:
    url = f"{credential.get_absolute_url()}delete/"
    kept = make_conversation(credential)
    assert "can’t be deleted" in words_of(admin.get(url))
    assert admin.post(url).status_code == 422
    purge_conversation(conversation=kept)
    assert admin.post(url)["Location"] == "/credentials/"
    assert not Credential.objects.exists()
    assert LogEntry.objects.get().object_repr == credential.name


def test_the_page_tells_its_numbers_and_what_uses_it(admin: Browser, credential: Credential) -> None:
    make_conversation(credential)
    Event.objects.create(action="get", credential=credential, credential_name=credential.name)
    page = words_of(admin.get(credential.get_absolute_url()))
    assert "conversations 1" in page
    assert "last used just now" in page
    assert "not reported" in page


def test_what_the_server_says_is_left_of_its_rate_limits_is_shown(
    admin: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    left = {"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "120"}
    sandbox.faults.add(Fault(method="GET", headers=left, times=4))
    admin.post(f"{credential.get_absolute_url()}test/")
    assert "120 of 500 requests left" in words_of(admin.get("/credentials/"))


def test_a_broken_secret_is_said_on_its_page(admin: Browser, credential: Credential) -> None:
    Credential.objects.update(sealed_key="broken")
    for url in (credential.get_absolute_url(), f"{credential.get_absolute_url()}edit/"):
        assert "CREDENTIAL_KEYS" in words_of(admin.get(url))
    assert "CREDENTIAL_KEYS" in words_of(edited(admin, credential, do="test"))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"is_active": False}, "Inactive"),
        ({}, "Not tested"),
        ({"tested_at": timezone.now(), "test_passed": True}, "Works"),
        ({"tested_at": timezone.now(), "test_passed": False}, "Fails"),
        ({"tested_at": timezone.now(), "test_passed": None}, "Unclear"),
        ({"paused_until": timezone.now() + timezone.timedelta(hours=1)}, "Waiting"),
    ],
)
def test_the_list_says_how_each_is(admin: Browser, credential: Credential, fields: dict[str, Any], word: str) -> None:
    Credential.objects.update(**fields)
    assert f"127.0.0.1:{credential.base_url.split(':')[2].split('/')[0]} {word}" in words_of(admin.get("/credentials/"))


def test_the_list_asks_as_much_for_many_as_for_one(admin: Browser, credential: Credential, team: Team) -> None:
    with CaptureQueriesContext(connection) as one:
        admin.get("/credentials/")
    for _ in range(5):
        make_conversation(make_credential(teams=[team]))
    with CaptureQueriesContext(connection) as six:
        admin.get("/credentials/")
    assert len(six) == len(one)


def test_without_any_the_list_says_what_to_do(admin: Browser, db: None) -> None:
    assert "No credentials yet" in words_of(admin.get("/credentials/"))


def test_a_stored_key_goes_to_no_other_host_by_way_of_an_empty_url_r14(
    admin: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    with Sandbox(key=KEY) as other:
        for url in ("/", other.url):
            assert edited(admin, credential, server="other", base_url=url).status_code == 422
        admin.post(f"{credential.get_absolute_url()}test/")
        assert not list(other.log)
    assert Credential.objects.get().base_url == sandbox.url


@pytest.mark.parametrize(
    "url", ["/", "http://[", "http://[::1", "https://[x]/", "http://℀/", "https://a:99999/v1", "https://a:b/v1"]
)
def test_a_url_that_is_none_is_said(
    admin: Browser, sandbox: Sandbox, team: Team, credential: Credential, url: str
) -> None:
    assert admin.post(NEW, filled(sandbox, team, base_url=url)).status_code == 422
    assert admin.post(NEW, filled(sandbox, team, base_url=url, do="test")).status_code == 200
    assert edited(admin, credential, server="other", base_url=url).status_code == 422


def test_a_team_that_no_database_can_hold_is_refused(admin: Browser, sandbox: Sandbox, team: Team) -> None:
    assert admin.post(NEW, filled(sandbox, team, teams="9" * 30)).status_code == 422


def test_the_history_names_what_was_changed(admin: Browser, credential: Credential) -> None:
    edited(admin, credential, notes="new", headers__0__name="X-Gate", headers__0__value="gate-marker-0123456789")
    assert LogEntry.objects.latest("pk").change_message == "Changed: notes, headers."
