"""System checks of the settings, which `manage.py check` runs."""

import zoneinfo
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from .encryption import is_key
from .openai import certificates


@register()
def check_no_atomic_requests(**_: Any) -> list[CheckMessage]:
    """Events have to be committed before OpenAI is called, which a transaction around the request would prevent."""
    return [
        Error(
            f"ATOMIC_REQUESTS is on for the database “{alias}”.",
            hint="Turn it off. Attempts are recorded before OpenAI is called, and have to survive a crash.",
            id="conversations.E001",
        )
        for alias, database in settings.DATABASES.items()
        if database.get("ATOMIC_REQUESTS")
    ]


@register()
def check_credential_keys(**_: Any) -> list[CheckMessage]:
    """Without valid keys, no secret can be sealed or opened."""
    hint = "Create one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
    if not settings.CREDENTIAL_KEYS:
        return [Error("CREDENTIAL_KEYS is empty.", hint=hint, id="conversations.E002")]
    return [
        Error(f"Key {number} in CREDENTIAL_KEYS isn't a Fernet key.", hint=hint, id="conversations.E003")
        for number, key in enumerate(settings.CREDENTIAL_KEYS, start=1)
        if not is_key(key)
    ]


@register()
def check_ca_file(**_: Any) -> list[CheckMessage]:
    """The certificates of private authorities have to be readable."""
    hint = "Set it to a PEM file that the server's user can read, or leave it empty."
    try:
        text = Path(settings.OPENAI_CA_FILE).read_text() if settings.OPENAI_CA_FILE else ""
    except (OSError, UnicodeDecodeError) as error:
        problem: str | None = f"it can't be read ({type(error).__name__})"
    else:
        problem = certificates.problem_with(text) if settings.OPENAI_CA_FILE else None
    return [Error(f"OPENAI_CA_FILE: {problem}", hint=hint, id="conversations.E006")] if problem else []


@register()
def check_time_zone(**_: Any) -> list[CheckMessage]:
    """The days of a date search begin at midnight in this time zone."""
    if settings.TIME_ZONE in zoneinfo.available_timezones():
        return []
    message = f"TIME_ZONE “{settings.TIME_ZONE}” is unknown."
    return [Error(message, hint="Use one like UTC or Europe/Berlin.", id="conversations.E004")]


@register()
def check_credential_hosts(**_: Any) -> list[CheckMessage]:
    """Hosts are names, not URLs."""
    return [
        Error(f"“{host}” in CREDENTIAL_HOSTS isn't a host.", hint="Use host or host:port.", id="conversations.E005")
        for host in settings.CREDENTIAL_HOSTS
        if "/" in host or not host.strip()
    ]
