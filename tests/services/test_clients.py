"""From a credential to a client: what keeps it from being used, when it is made anew, and the test (R13–R17)."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from conversations.encryption import new_key
from conversations.models import Credential, CredentialHeader, Team
from conversations.openai import errors
from conversations.sandbox import Dialect, Fault, Sandbox
from conversations.services.clients import NONEXISTENT_ID, check_credential, client_for, forget_clients
from conversations.services.conversations import get_conversation
from conversations.services.errors import CredentialUnusable
from conversations.services.items import list_items
from tests.factories import KEY, add_header, add_messages, calls_in, make_credential, make_known, make_remote

pytestmark = pytest.mark.django_db


def again(credential: Credential) -> Credential:
    return Credential.objects.get(pk=credential.pk)


def why_unusable(credential: Credential) -> str:
    with pytest.raises(CredentialUnusable) as caught:
        client_for(credential)
    return str(caught.value)


# The pool


def test_a_client_is_kept(credential: Credential) -> None:
    assert client_for(credential) is client_for(again(credential))


@pytest.mark.parametrize("field", ["key", "project", "header", "removed header"])
def test_a_client_is_made_anew_when_its_credential_changed(sandbox: Sandbox, field: str) -> None:
    credential = make_credential(sandbox, headers={"X-Old": "1"})
    before = client_for(credential)
    if field == "header":
        add_header(again(credential), "X-New", "2")
    elif field == "removed header":
        CredentialHeader.objects.get().delete()
    else:
        credential.set_key("sk-another")
        credential.project = "proj_2"
        credential.save()
    assert client_for(again(credential)) is not before


def test_a_test_makes_no_client_anew(credential: Credential) -> None:
    before = client_for(credential)
    check_credential(credential=credential)
    assert client_for(again(credential)) is before


def test_connections_are_used_again(operator: User, credential: Credential, sandbox: Sandbox) -> None:
    threads = threading.active_count()  # the sandbox has one a connection
    for _ in range(3):
        get_conversation(actor=operator, credential=credential, openai_id=make_remote(sandbox))
    assert threading.active_count() == threads + 1


def test_forgotten_clients_are_made_anew(credential: Credential) -> None:
    before = client_for(credential)
    forget_clients()
    assert client_for(credential) is not before


# What keeps it from being used


def test_an_inactive_credential_sends_nothing(sandbox: Sandbox) -> None:
    assert "inactive" in why_unusable(make_credential(sandbox, is_active=False))


def test_r14_a_host_that_is_not_listed_any_more_is_sent_nothing(credential: Credential, settings: Any) -> None:
    client_for(credential)
    settings.CREDENTIAL_HOSTS = ["api.openai.com"]
    assert "CREDENTIAL_HOSTS" in why_unusable(credential)


def test_r14_a_base_url_is_checked_when_it_is_typed(credential: Credential) -> None:
    credential.base_url = "https://evil.example.com/v1"
    with pytest.raises(ValidationError):
        credential.full_clean()


def test_r13_a_key_of_another_credential_does_not_open(sandbox: Sandbox, credential: Credential) -> None:
    credential.sealed_key = make_credential(sandbox).sealed_key
    credential.save()
    assert "can’t be opened" in why_unusable(credential)


def test_r13_a_header_under_another_name_does_not_open(credential: Credential) -> None:
    header = add_header(credential, "X-One", "value")
    header.name = "X-Two"
    header.save()
    assert "can’t be opened" in why_unusable(again(credential))


def test_r13_keys_are_turned_over(credential: Credential, settings: Any, sandbox: Sandbox) -> None:
    add_header(credential, "X-One", "value")
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    again(credential).rotate_keys()
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    resealed = again(credential)
    assert (resealed.open_key(), resealed.open_headers()) == (KEY, {"X-One": "value"})


def test_r13_without_its_key_nothing_opens(credential: Credential, settings: Any) -> None:
    settings.CREDENTIAL_KEYS = [new_key()]
    assert "No key in CREDENTIAL_KEYS" in why_unusable(credential)


def test_r13_the_database_holds_no_secret(credential: Credential) -> None:
    header = add_header(credential, "X-One", "header-marker")
    assert KEY not in repr(vars(again(credential)))
    assert "header-marker" not in header.sealed_value


@pytest.mark.parametrize(("key", "ending"), [("x" * 16 + "1234", "…1234"), ("x" * 15 + "1234", "…"), ("1234", "…")])
def test_r15_no_ending_of_a_short_key_is_shown(sandbox: Sandbox, key: str, ending: str) -> None:
    assert make_credential(sandbox, key=key).key_ending() == ending


# R17: the test


def judged(credential: Credential) -> tuple[bool, str]:
    passed = check_credential(credential=credential)
    kept = again(credential)
    assert (kept.test_passed, kept.tested_at is not None) == (passed, True)
    return passed, kept.test_message


def test_r17_a_test_is_one_read_of_nobodys_conversation(credential: Credential, sandbox: Sandbox) -> None:
    assert judged(credential) == (True, "Works: the server accepts the key and serves conversations.")
    assert [(entry.method, entry.path) for entry in calls_in(sandbox)] == [("GET", f"/conversations/{NONEXISTENT_ID}")]
    assert {entry.method for entry in sandbox.log} == {"GET"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=404, body="<html>"), "unknown whether it works"),
        (
            Fault(status=404, body="<title>404 Not Found</title>", times=None),
            "This URL doesn’t seem to serve conversations: 404 Not",
        ),
        (
            Fault(status=404, body='{"detail": "Not Found"}', times=None),
            "This URL doesn’t seem to serve conversations: Not Found",
        ),
        (
            Fault(status=404, message="Not found.", times=None),
            "This URL doesn’t seem to serve conversations: Not found.",
        ),
        (Fault(status=404, message=f"Invalid URL (GET /v1/conversations/{NONEXISTENT_ID})"), "Check the base URL"),
        (Fault(status=401), "The key was refused"),
        (Fault(status=403), "permissions"),
        (Fault(status=302, headers={"Location": "/"}), "Convadmin doesn’t follow redirects."),
        (Fault(status=429, code="insufficient_quota"), "Add credit"),
        (Fault(status=503, times=None, headers={"retry-after-ms": "1"}), "status.openai.com"),
        (Fault(body="<html>"), "base URL"),
        (Fault(body=f'{{"id": "{NONEXISTENT_ID}"}}'), "can’t exist"),
    ],
    ids=str,
)
def test_r17_any_other_response_is_told_with_its_message(
    credential: Credential, sandbox: Sandbox, fault: Fault, words: str
) -> None:
    sandbox.faults.add(fault)
    passed, answer = judged(credential)
    assert not passed
    assert words in answer


def test_r17_a_wrong_path_does_not_pass_for_a_working_one(sandbox: Sandbox) -> None:
    credential = make_credential(sandbox, base_url=sandbox.url.replace("/v1", "/v2"))
    assert not check_credential(credential=credential)


def test_r15_the_response_to_a_test_holds_no_key(sandbox: Sandbox) -> None:
    passed, answer = judged(make_credential(sandbox, key="sk-wrong-marker-0123456789"))
    assert (passed, "Incorrect API key provided: [secret]." in answer) == (False, True)


def test_r17_a_credential_that_cannot_be_used_says_why(sandbox: Sandbox) -> None:
    assert judged(make_credential(sandbox, is_active=False))[1].endswith("is inactive.")


# R23, and reading items


def test_r23_a_credential_is_seen_by_its_teams(
    credential: Credential, operator: User, stranger: User, superuser: User
) -> None:
    make_credential(name="Nobody's")
    seen = [Credential.objects.visible_to(user).count() for user in (operator, superuser, stranger)]
    assert seen == [1, 2, 0]


def test_items_are_read_oldest_first(credential: Credential, sandbox: Sandbox) -> None:
    row = make_known(sandbox, credential)
    added = add_messages(sandbox, row, 101)
    page = list_items(conversation=row)
    assert [item["id"] for item in page.items] == added[:100]


def test_r18_an_item_that_no_page_can_hold_is_cleaned(credential: Credential, sandbox: Sandbox) -> None:
    row = make_known(sandbox, credential)
    sandbox.faults.add(Fault(body='{"data": [{"id": "a", "content": "x\\ud800"}]}'))
    assert list_items(conversation=row).items[0]["content"] == "x\ufffd"


def test_an_unreachable_server_is_told(credential: Credential, sandbox: Sandbox, settings: Any) -> None:
    settings.REQUEST_BUDGET = 0.3
    row = make_known(sandbox, credential)
    sandbox.stop()
    with pytest.raises(errors.NotSent):
        list_items(conversation=row)


@pytest.mark.parametrize("form", ["openai", "detail", "message"])
def test_r17_a_server_with_errors_of_another_form_works_too(team: Team, form: str) -> None:
    with Sandbox(key=KEY, dialect=Dialect(not_found=form)) as server:
        assert judged(make_credential(server, teams=[team]))[0] is True


@pytest.mark.parametrize(
    ("fault", "passed"),
    [
        (Fault(status=401), False),
        (Fault(status=404, times=None, body="<title>404</title>"), False),
        (Fault(status=503, times=None, headers={"retry-after-ms": "1"}), None),
        (Fault(drop="before", times=None), None),
    ],
)
def test_r17_what_cannot_be_told_is_neither_passed_nor_failed(
    credential: Credential, sandbox: Sandbox, fault: Fault, passed: bool | None
) -> None:
    sandbox.faults.add(fault)
    assert judged(credential)[0] is passed
