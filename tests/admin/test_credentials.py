"""Credentials in the admin: what's stored, where keys are sent, and testing them."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client as Browser

from conversations.models import Conversation, Credential
from conversations.sandbox import Fault, Sandbox
from tests.factories import add_header, calls_in, make_credential, make_known, make_team
from tests.html import Form, form_in, signed_in, text_of
from tests.waiting import Meanwhile

LIST = "/admin/conversations/credential/"
ADD = f"{LIST}add/"
MARKER = "sk-typed-marker-0123456789"
HEADER = "gate-typed-marker-0123456789"


@pytest.fixture
def admin(client: Browser, superuser: User) -> Browser:
    return signed_in(client, superuser)


@pytest.fixture
def gated(credential: Credential) -> Credential:
    """The credential, with a further header."""
    add_header(credential, "X-Gate", "gate-stored-0123456789")
    return credential


def page_of(credential: Credential) -> str:
    return f"{LIST}{credential.pk}/change/"


def opened(browser: Browser, url: str) -> Form:
    return form_in(browser.get(url), "base_url").put("_save", "Save")


def changed(browser: Browser, credential: Credential, **fields: str) -> Any:
    """The response to the credential's form with these fields."""
    form = opened(browser, page_of(credential))
    for name, value in fields.items():
        form.put(name.replace("__", "-"), value)
    return form.send(browser, page_of(credential))


def errors_of(response: Any) -> list[str]:
    """The fields with errors, in the form and its headers."""
    admin_form = response.context_data["adminform"].form
    inlines = response.context_data["inline_admin_formsets"]
    return [*admin_form.errors, *(name for inline in inlines for form in inline.formset.forms for name in form.errors)]


def origins(sandbox: Sandbox) -> dict[str, str]:
    """Base URLs that differ from the sandbox's in scheme, host or port."""
    return {
        "scheme": f"https://127.0.0.1:{sandbox.port}/v1",
        "host": "https://eu.api.openai.com/v1",
        "port": "http://127.0.0.1:1/v1",
        "no port": "http://127.0.0.1/v1",
    }


def test_a_credential_is_added_with_its_headers_sealed_r13(admin: Browser, team: Any) -> None:
    form = opened(admin, ADD).put("name", "New").put("api_key", MARKER).put("teams", str(team.pk))
    form.put("headers-TOTAL_FORMS", "1").put("headers-0-name", "X-Gate").put("headers-0-value", HEADER)
    assert form.send(admin, ADD).status_code == 302
    added = Credential.objects.get()
    assert (added.open_key(), added.open_headers()) == (MARKER, {"X-Gate": HEADER})
    assert MARKER not in added.sealed_key


def test_an_empty_key_keeps_the_stored_one(admin: Browser, gated: Credential) -> None:
    assert changed(admin, gated, notes="ask Another").status_code == 302
    gated.refresh_from_db()
    assert (gated.notes, gated.open_headers()) == ("ask Another", {"X-Gate": "gate-stored-0123456789"})
    assert gated.open_key()


@pytest.mark.parametrize("what", ["scheme", "host", "port", "no port"])
def test_another_host_needs_the_key_typed_again_r14(
    admin: Browser, credential: Credential, sandbox: Sandbox, what: str
) -> None:
    response = changed(admin, credential, base_url=origins(sandbox)[what])
    assert errors_of(response) == ["api_key"]
    credential.refresh_from_db()
    assert credential.base_url == sandbox.url


@pytest.mark.parametrize("what", ["scheme", "host", "port", "no port"])
def test_another_host_needs_each_header_typed_again_r14(
    admin: Browser, gated: Credential, sandbox: Sandbox, what: str
) -> None:
    response = changed(admin, gated, base_url=origins(sandbox)[what], api_key=MARKER)
    assert errors_of(response) == ["value"]
    gated.refresh_from_db()
    assert gated.base_url == sandbox.url


@pytest.mark.parametrize(
    "sent",
    [
        {"headers__INITIAL_FORMS": "0"},
        {"headers__INITIAL_FORMS": "0", "headers__TOTAL_FORMS": "0"},
        {"headers__INITIAL_FORMS": "0", "headers__0__name": "X-Other", "headers__0__value": HEADER},
    ],
)
def test_a_header_that_the_browser_leaves_out_has_to_be_typed_again_too_r14(
    admin: Browser, gated: Credential, sandbox: Sandbox, sent: dict[str, str]
) -> None:
    response = changed(admin, gated, base_url=origins(sandbox)["host"], api_key=MARKER, notes="typed", **sent)
    gated.refresh_from_db()
    assert gated.base_url == sandbox.url
    assert gated.open_headers() == {"X-Gate": "gate-stored-0123456789"}
    assert "Enter the value of X-Gate again" in text_of(response)


def test_what_was_typed_stays_when_a_header_is_missing_r14(admin: Browser, gated: Credential, sandbox: Sandbox) -> None:
    there = origins(sandbox)["host"]
    fewer = {"headers__INITIAL_FORMS": "0", "headers__TOTAL_FORMS": "0"}
    response = changed(admin, gated, base_url=there, api_key=MARKER, notes="typed", **fewer)
    again = form_in(response, "base_url")
    assert (again.values("base_url"), again.values("notes")) == ([there], ["typed"])


def test_another_host_is_taken_once_all_is_typed_again_r14(admin: Browser, gated: Credential, sandbox: Sandbox) -> None:
    there = "https://eu.api.openai.com/v1"
    response = changed(admin, gated, base_url=there, api_key=MARKER, headers__0__value=HEADER)
    gated.refresh_from_db()
    assert (response.status_code, gated.base_url, gated.open_key()) == (302, there, MARKER)


def test_another_path_of_the_same_host_needs_nothing_r14(admin: Browser, gated: Credential, sandbox: Sandbox) -> None:
    assert changed(admin, gated, base_url=f"{sandbox.url}/beta/").status_code == 302
    gated.refresh_from_db()
    assert gated.base_url == f"{sandbox.url}/beta"


@pytest.mark.parametrize(
    "url", ["https://evil.example.com/v1", "http://api.openai.com/v1", "https://a:b@api.openai.com", "ftp://x", "x"]
)
def test_a_base_url_that_no_key_may_be_sent_to_is_refused_r14(admin: Browser, credential: Credential, url: str) -> None:
    assert "base_url" in errors_of(changed(admin, credential, base_url=url, api_key=MARKER))


def test_the_url_of_a_credential_with_conversations_cannot_change_r1(
    admin: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    make_known(sandbox, credential)
    for url in (f"{sandbox.url}/beta", origins(sandbox)["host"]):
        assert "base_url" in errors_of(changed(admin, credential, base_url=url, api_key=MARKER))


def test_secrets_come_back_empty_whatever_failed_r15(admin: Browser, gated: Credential) -> None:
    response = changed(admin, gated, name="", api_key=MARKER, headers__0__value=HEADER, headers__0__name="Host")
    assert sorted(errors_of(response)) == ["name", "name"]
    again = form_in(response, "base_url")
    assert again.values("api_key") == again.values("headers-0-value") == [""]
    assert MARKER not in text_of(response)
    assert HEADER not in text_of(response)


@pytest.mark.parametrize("key", ["short", "sk-with space-0123", "sk-üöä-0123456789", "sk-\n-0123456789"])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown_r15(
    admin: Browser, credential: Credential, key: str
) -> None:
    response = changed(admin, credential, api_key=key)
    assert errors_of(response) == ["api_key"]
    assert form_in(response, "base_url").values("api_key") == [""]


def test_a_new_credential_needs_a_key(admin: Browser) -> None:
    assert errors_of(opened(admin, ADD).put("name", "New").send(admin, ADD)) == ["api_key"]


@pytest.mark.parametrize("keys", [[], ["no key"]])
def test_without_keys_to_seal_with_the_form_says_what_to_set(admin: Browser, settings: Any, keys: list[str]) -> None:
    settings.CREDENTIAL_KEYS = keys
    response = opened(admin, ADD).put("name", "New").put("api_key", MARKER).send(admin, ADD)
    assert errors_of(response) == ["api_key"]
    assert "CREDENTIAL_KEYS" in text_of(response)
    assert not Credential.objects.exists()


@pytest.mark.parametrize("name", ["Authorization", "host", "X Gate", "X:Y", "X\r\nEvil", "x-client-request-id", ""])
def test_a_header_that_would_break_a_request_is_refused(admin: Browser, gated: Credential, name: str) -> None:
    response = changed(admin, gated, headers__0__name=name, headers__0__value=HEADER)
    assert "name" in errors_of(response)


@pytest.mark.parametrize("value", ["a\r\nEvil: yes", "a\nb", "ü", "a\0b"])
def test_a_header_value_that_would_break_a_request_is_refused(admin: Browser, gated: Credential, value: str) -> None:
    assert errors_of(changed(admin, gated, headers__0__value=value)) == ["value"]


@pytest.mark.long
def test_a_renamed_header_needs_its_value_for_it_is_sealed_to_its_name_r13(admin: Browser, gated: Credential) -> None:
    assert errors_of(changed(admin, gated, headers__0__name="X-Other")) == ["value"]


def test_a_header_can_be_taken_away(admin: Browser, gated: Credential) -> None:
    assert changed(admin, gated, headers__0__DELETE="on").status_code == 302
    assert gated.open_headers() == {}


@pytest.mark.parametrize(("key", "shown"), [("sk-short-key-123456", "…"), ("sk-long-key-01234567", "…4567")])
def test_no_ending_of_a_short_key_is_shown_r15(admin: Browser, sandbox: Sandbox, key: str, shown: str) -> None:
    credential = make_credential(sandbox, key=key)
    text = text_of(admin.get(page_of(credential)))
    assert f'<div class="readonly">{shown}</div>' in text
    assert key not in text


def test_a_key_that_does_not_open_is_said(admin: Browser, credential: Credential) -> None:
    Credential.objects.update(sealed_key=make_credential().sealed_key)
    assert "encrypted for another record" in text_of(admin.get(page_of(credential)))


def test_a_credential_with_conversations_cannot_be_deleted(
    admin: Browser, credential: Credential, sandbox: Sandbox
) -> None:
    make_known(sandbox, credential)
    response = admin.post(f"{LIST}{credential.pk}/delete/", {"post": "yes"})
    assert response.status_code == 200
    assert Credential.objects.count() == Conversation.objects.count() == 1


def test_a_credential_without_any_can_be_deleted(admin: Browser, credential: Credential) -> None:
    assert admin.post(f"{LIST}{credential.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Credential.objects.exists()


def test_many_cannot_be_deleted_at_once(admin: Browser, credential: Credential) -> None:
    admin.post(LIST, {"action": "delete_selected", "_selected_action": credential.pk, "post": "yes"})
    assert Credential.objects.exists()


def pressed(browser: Browser, credential: Credential) -> str:
    """The page after pressing Test."""
    return text_of(browser.post(f"{LIST}{credential.pk}/test/", follow=True))


def test_the_button_says_that_it_works_by_one_get_r17(admin: Browser, credential: Credential, sandbox: Sandbox) -> None:
    assert "Works: the server accepts the key" in pressed(admin, credential)
    [entry] = calls_in(sandbox)
    assert (entry.method, entry.path) == ("GET", f"/conversations/conv_{'0' * 48}")
    credential.refresh_from_db()
    assert credential.test_passed


def test_a_wrong_key_is_said_and_not_shown_r15_r17(admin: Browser, sandbox: Sandbox) -> None:
    text = pressed(admin, make_credential(sandbox, key=MARKER))
    assert "Incorrect API key provided: [secret]." in text
    assert MARKER not in text


def test_a_wrong_path_is_no_success_r17(admin: Browser, sandbox: Sandbox) -> None:
    credential = make_credential(sandbox, base_url=sandbox.url.removesuffix("/v1"))
    assert "This URL doesn’t seem to serve conversations: Invalid URL" in pressed(admin, credential)


def test_a_server_that_is_not_there_is_said_r17(admin: Browser, credential: Credential, sandbox: Sandbox) -> None:
    sandbox.stop()
    assert "Convadmin couldn’t connect to the server." in pressed(admin, credential)


@pytest.mark.parametrize("fault", [Fault(body=b"<html>"), Fault(status=302), Fault(status=403), Fault(body=b"{}")])
def test_any_other_response_does_not_pass_and_blocks_nothing_r17(
    admin: Browser, credential: Credential, sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.faults.add(fault)
    pressed(admin, credential)
    credential.refresh_from_db()
    assert not credential.test_passed
    assert changed(admin, credential, notes="saved").status_code == 302


def test_an_inactive_one_sends_nothing(admin: Browser, sandbox: Sandbox) -> None:
    assert "is inactive" in pressed(admin, make_credential(sandbox, is_active=False))
    assert len(sandbox.log) == 0


def test_a_get_tests_nothing_r3(admin: Browser, credential: Credential, sandbox: Sandbox) -> None:
    assert admin.get(f"{LIST}{credential.pk}/test/").status_code == 405
    assert len(sandbox.log) == 0


def test_a_form_of_another_site_tests_nothing(superuser: User, credential: Credential, sandbox: Sandbox) -> None:
    browser = signed_in(Browser(enforce_csrf_checks=True), superuser)
    assert browser.post(f"{LIST}{credential.pk}/test/").status_code == 403
    assert len(sandbox.log) == 0


def test_whoever_may_only_look_tests_nothing(
    client: Browser, administrator: User, credential: Credential, sandbox: Sandbox
) -> None:
    role = administrator.groups.get(name="Administrator")
    role.permissions.remove(*role.permissions.filter(codename="change_credential"))
    assert "/test/" not in text_of(signed_in(client, administrator).get(page_of(credential)))
    client.post(f"{LIST}{credential.pk}/test/")
    assert len(sandbox.log) == 0


@pytest.mark.django_db(transaction=True)
def test_the_test_holds_no_transaction_open_r5(admin: Browser, credential: Credential, sandbox: Sandbox) -> None:
    seen: list[bool] = []
    ours = connections["default"]  # of this thread, in which the page is made
    sandbox.faults.add(Meanwhile(act=lambda: seen.append(ours.in_atomic_block)))
    admin.post(f"{LIST}{credential.pk}/test/")
    assert seen == [False]


def test_others_see_its_name_and_host_only_r15(as_operator: Browser, gated: Credential, superuser: User) -> None:
    gated.notes = "note of the administrators"
    gated.save()
    text = text_of(as_operator.get("/conversations/new/"))
    assert f"Sandbox — {gated.host}" in text
    for hidden in ("note of the administrators", gated.open_key(), gated.open_key()[-4:] + "<"):
        assert hidden not in text


def test_teams_are_chosen_by_superusers_among_all(admin: Browser, credential: Credential) -> None:
    other = make_team("Elsewhere")
    form = opened(admin, page_of(credential)).put("teams", str(other.pk))
    form.send(admin, page_of(credential))
    assert [*credential.teams.all()] == [other]


# Suggested base URLs


def test_a_base_url_that_cannot_work_gets_a_suggestion(admin: Browser, credential: Credential) -> None:
    typed = f"{credential.base_url}/conversations"
    response = changed(admin, credential, base_url=typed, api_key=MARKER)
    assert errors_of(response) == ["base_url"]
    assert f"Did you mean {credential.base_url}?" in text_of(response)
    again = form_in(response, "base_url")
    assert again.values("base_url") == [typed]
    again.put("_save", "Save").put("api_key", MARKER).tick("keep_base_url").send(admin, page_of(credential))
    credential.refresh_from_db()
    assert credential.base_url == typed


@pytest.mark.long
@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_a_key_in_quotes_is_asked_about(admin: Browser, credential: Credential, quote: str) -> None:
    quoted = f"{quote}{MARKER}{quote}"
    response = changed(admin, credential, api_key=quoted)
    assert errors_of(response) == ["api_key"]
    assert "The quotes are part of the key" in text_of(response)
    assert "The quotes are part of the key" not in text_of(admin.get(page_of(credential)))
    form_in(response, "base_url").put("_save", "Save").put("api_key", quoted).tick("keep_quotes").send(
        admin, page_of(credential)
    )
    credential.refresh_from_db()
    assert credential.open_key() == quoted


# Private authorities


def test_certificates_of_an_authority_are_kept_from_text_or_file(
    admin: Browser, credential: Credential, authority: str
) -> None:
    assert changed(admin, credential, ca_certificates=authority).status_code == 302
    credential.refresh_from_db()
    assert credential.ca_certificates.strip() == authority.strip()
    form = opened(admin, page_of(credential)).put("ca_certificates", "")
    fields = {name: form.values(name) for name, _ in form.fields}
    file = SimpleUploadedFile("authority.pem", authority.encode())
    assert admin.post(page_of(credential), {**fields, "ca_file": file}).status_code == 302
    credential.refresh_from_db()
    assert credential.ca_certificates.strip() == authority.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "isn’t a certificate in PEM format"),
        ("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----", "private key"),
        ("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "isn’t a certificate in PEM format"),
        ("x" * 300_000, "too long"),
    ],
)
def test_what_is_no_certificate_is_refused(admin: Browser, credential: Credential, text: str, words: str) -> None:
    response = changed(admin, credential, ca_certificates=text)
    assert errors_of(response) == ["ca_certificates"]
    assert words in text_of(response)
