"""`manage.py check` finds settings that would cause trouble later."""

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from pytest_django.fixtures import Settings

from conversations import checks
from conversations.encryption import new_key


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


def test_the_settings_of_the_tests_pass() -> None:
    every = (
        checks.check_no_atomic_requests,
        checks.check_credential_keys,
        checks.check_time_zone,
        checks.check_credential_hosts,
        checks.check_ca_file,
    )
    assert [check() for check in every] == [[], [], [], [], []]


def test_r5_a_transaction_around_requests_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ATOMIC_REQUESTS", True)
    assert ids(checks.check_no_atomic_requests()) == ["conversations.E001"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [([], ["conversations.E002"]), (["short", new_key(), ""], ["conversations.E003"] * 2), ([new_key()], [])],
)
def test_r13_keys_must_be_there_and_be_keys(settings: Settings, keys: list[str], expected: list[str]) -> None:
    settings.CREDENTIAL_KEYS = keys
    assert ids(checks.check_credential_keys()) == expected


def test_r13_a_wrong_key_is_named_by_its_place_and_not_shown(settings: Settings) -> None:
    settings.CREDENTIAL_KEYS = [new_key(), "a-secret-typed-wrong"]
    (message,) = checks.check_credential_keys()
    assert "Key 2" in str(message)
    assert "a-secret-typed-wrong" not in str(message)


@pytest.mark.parametrize(("zone", "count"), [("UTC", 0), ("Europe/Berlin", 0), ("Mars/Base", 1), ("", 1)])
def test_r21_the_time_zone_must_exist(settings: Settings, zone: str, count: int) -> None:
    settings.TIME_ZONE = zone
    assert len(checks.check_time_zone()) == count


@pytest.mark.parametrize(
    ("host", "count"), [("api.openai.com", 0), ("127.0.0.1:8001", 0), ("https://api.openai.com", 1), (" ", 1)]
)
def test_r14_hosts_are_names(settings: Settings, host: Any, count: int) -> None:
    settings.CREDENTIAL_HOSTS = [host]
    assert len(checks.check_credential_hosts()) == count


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"\xff\xfe"])
def test_the_file_of_authorities_can_be_read(settings: Settings, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_bytes(content)
    settings.OPENAI_CA_FILE = str(file)
    assert ids(checks.check_ca_file()) == ["conversations.E006"]


def test_a_file_with_a_certificate_passes(settings: Settings, tmp_path: Path, authority: str) -> None:
    settings.OPENAI_CA_FILE = str(tmp_path / "authority.pem")
    assert checks.check_ca_file() == []
