"""Too many failed sign-ins are locked for a while. Superusers see and unlock them."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.utils import timezone

from tests.factories import PASSWORD
from tests.html import Form, fragment, is_page, signed_in, text_of

SIGN_IN = "/sign-in/"
SEEN = "/activity/?show=sign-ins"
ATTEMPTS = "/admin/axes/accessattempt/"
WRONG = "wrong-marker"
HERE, ELSEWHERE = "192.0.2.7", "192.0.2.8"


def tried(browser: Browser, name: str = "viewer", password: str = WRONG, at: str = HERE, **told: str) -> Any:
    """The response to an attempt to sign in from an address."""
    return browser.post(SIGN_IN, {"username": name, "password": password}, REMOTE_ADDR=at, **told)


def fail(browser: Browser, times: int, **attempt: str) -> list[int]:
    """The statuses of this many failed attempts."""
    return [tried(browser, **attempt).status_code for _ in range(times)]


def let_pass(minutes: int) -> None:
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=minutes))


def test_the_fifth_failure_locks_the_account_for_the_address(client: Browser, viewer: User) -> None:
    assert fail(client, 5) == [200, 200, 200, 200, 429]
    assert tried(client, password=PASSWORD).status_code == 429
    assert "_auth_user_id" not in client.session


def test_the_lock_is_a_page_that_says_how_long(client: Browser, viewer: User) -> None:
    fail(client, 4)
    response = tried(client)
    assert is_page(response)
    assert "15 minutes" in text_of(response)
    assert response["Retry-After"] == "900"


@pytest.mark.long
def test_a_script_gets_the_same_page(client: Browser, viewer: User) -> None:
    fail(client, 5)
    response = tried(client, HTTP_X_REQUESTED_WITH="XMLHttpRequest")
    assert is_page(response)
    assert "Access-Control-Allow-Origin" not in response


def test_others_and_the_owner_elsewhere_still_sign_in(client: Browser, viewer: User, operator: User) -> None:
    fail(client, 5)
    assert tried(client, name="operator", password=PASSWORD).status_code == 302
    assert tried(client, password=PASSWORD, at=ELSEWHERE).status_code == 302


def test_a_lock_ends_after_a_quarter_of_an_hour_and_attempts_do_not_extend_it(client: Browser, viewer: User) -> None:
    fail(client, 5)
    let_pass(14)
    assert tried(client, password=PASSWORD).status_code == 429
    let_pass(16)
    assert tried(client, password=PASSWORD).status_code == 302


def test_signing_in_forgets_the_failures(client: Browser, viewer: User) -> None:
    fail(client, 4)
    assert tried(client, password=PASSWORD).status_code == 302
    assert fail(Browser(), 4) == [200] * 4


def test_an_address_that_fails_with_many_accounts_is_locked_for_all(
    client: Browser, viewer: User, settings: Any
) -> None:
    settings.SIGN_IN_FAILURES_OF_ADDRESS = 6
    assert [tried(client, name=f"name{number}").status_code for number in range(6)] == [*[200] * 5, 429]
    assert tried(client, password=PASSWORD).status_code == 429
    assert tried(client, password=PASSWORD, at=ELSEWHERE).status_code == 302


def test_signing_in_does_not_forget_what_an_address_did_to_others(
    client: Browser, viewer: User, operator: User
) -> None:
    fail(client, 4)
    assert tried(Browser(), name="operator", password=PASSWORD).status_code == 302
    assert fail(Browser(), 1) == [429]


def test_another_browser_of_the_address_counts_on(client: Browser, viewer: User) -> None:
    fail(client, 4, HTTP_USER_AGENT="one")
    assert fail(client, 1, HTTP_USER_AGENT="two") == [429]


def test_an_address_that_clients_claim_is_not_believed(client: Browser, viewer: User) -> None:
    statuses = [tried(client, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}").status_code for number in range(5)]
    assert statuses[-1] == 429


def test_behind_a_proxy_the_last_hop_counts(client: Browser, viewer: User, settings: Any) -> None:
    settings.TRUST_FORWARDED_FOR = True
    for number in range(5):
        tried(client, at="127.0.0.1", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, {HERE}")
    assert tried(client, at="127.0.0.1", HTTP_X_FORWARDED_FOR=HERE).status_code == 429
    assert tried(client, at="127.0.0.1", HTTP_X_FORWARDED_FOR=ELSEWHERE).status_code == 200


def test_the_addresses_of_one_ipv6_network_count_as_one(client: Browser, viewer: User) -> None:
    statuses = [tried(client, at=f"2001:db8:0:7::{number}").status_code for number in range(5)]
    assert statuses[-1] == 429
    assert tried(client, at="2001:db8:0:8::1").status_code == 200


@pytest.mark.parametrize("address", ["", "unix:", "x" * 500])
def test_an_unknown_address_is_no_way_around(client: Browser, viewer: User, address: str) -> None:
    assert fail(client, 5, at=address)[-1] == 429


def test_failures_and_locks_are_logged_without_the_password(
    client: Browser, viewer: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        fail(client, 5)
    said = [record.getMessage() for record in caplog.records if record.name.startswith("axes")]
    assert sum("failure by 'viewer' from 192.0.2.7" in line for line in said) == 5
    assert any("Locking out 'viewer'" in line for line in said)
    assert WRONG not in caplog.text


def test_the_password_is_kept_nowhere(client: Browser, viewer: User) -> None:
    fail(client, 5)
    kept = [*AccessAttempt.objects.values(), *AccessFailureLog.objects.values()]
    assert kept
    assert WRONG not in str(kept)


def test_superusers_see_failures_and_locks_newest_first(client: Browser, superuser: User, viewer: User) -> None:
    fail(Browser(), 5)
    response = signed_in(client, superuser).get(SEEN)
    assert is_page(response)
    assert [row.locked_out for row in response.context_data["page"].rows] == [True, *[False] * 4]
    assert HERE in text_of(response)


def test_pages_of_failures_lead_to_each_other(client: Browser, superuser: User, viewer: User, settings: Any) -> None:
    settings.PAGE_SIZE = 2
    fail(Browser(), 3)
    first = signed_in(client, superuser).get(SEEN, headers=fragment("sign-ins"))
    assert not is_page(first)
    second = client.get(f"/activity/{first.context_data['older_url']}")
    assert len(second.context_data["page"].rows) == 1


@pytest.mark.parametrize("who", ["viewer", "operator", "administrator"])
def test_nobody_else_sees_them(client: Browser, request: pytest.FixtureRequest, who: str) -> None:
    signed_in(client, request.getfixturevalue(who))
    assert client.get(SEEN).status_code == 403
    assert "sign-ins" not in text_of(client.get("/activity/"))
    assert client.get(ATTEMPTS).status_code in (302, 403)


def test_a_superuser_unlocks_in_the_admin(client: Browser, superuser: User, viewer: User) -> None:
    fail(Browser(), 5)
    url = f"{ATTEMPTS}{AccessAttempt.objects.get().pk}/delete/"
    assert signed_in(client, superuser).get(ATTEMPTS).status_code == 200
    assert Form({}).put("post", "yes").send(client, url).status_code == 302
    assert tried(Browser(), password=PASSWORD).status_code == 302


def test_what_was_typed_is_escaped(client: Browser, superuser: User) -> None:
    tried(Browser(), name="<script>alert(1)</script>")
    assert "<script>alert" not in text_of(signed_in(client, superuser).get(SEEN))
