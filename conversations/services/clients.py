"""From a credential record to a client: open its secrets, check its host, keep its connections."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings

from ..encryption import SealError
from ..models import Credential
from ..openai.base_url import problem_with
from ..openai.client import Calls, Client, Recorder
from ..openai.errors import Forbidden, GatewayNotFound, NotFound, OpenAIError, Unauthorized
from .errors import CredentialUnusable

MAX_RETRY_WAIT = 2.0  # seconds that a web request waits before another attempt
NONEXISTENT_ID = "conv_" + "0" * 48
UNKNOWN = "It’s unknown whether it works:"
WORKS = "Works: the server accepts the key and serves conversations."
RETURNS_ANYTHING = (
    "the server returned a conversation that can’t exist. Get one by an id that you know to see what it returns."
)
NO_ROUTE_ADVICE = (
    "The server gives the same response for a path that can’t exist. Check the base URL: most end in /v1, and none in "
    "/conversations."
)

_clients: dict[int, tuple[datetime, Client]] = {}
_lock = threading.Lock()


def client_for(credential: Credential) -> Client:
    """The pooled client of a credential, replaced when the credential changes.

    Raises CredentialUnusable where it is inactive, its host is not allowed, or a secret can't be opened.
    """
    # Checked at every use, not when the client is made: settings and the credential may change meanwhile.
    _refuse_unusable(credential)
    with _lock:
        changed_at, client = _clients.get(credential.pk, (None, None))
        if client is None or changed_at != credential.changed_at:
            outdated, client = client, _client_of(credential)
            _clients[credential.pk] = (credential.changed_at, client)
            if outdated is not None:
                outdated.close()
    return client


def forget_clients() -> None:
    """Close all pooled connections; the next calls make new ones."""
    with _lock:
        while _clients:
            _clients.popitem()[1][1].close()


def calls_for(credential: Credential, recorder: Recorder | None = None, *, seconds: float | None = None) -> Calls:
    """The eight calls within `seconds`, or one web request's time; each attempt is reported to the recorder if there is
    one."""
    budget = settings.REQUEST_BUDGET if seconds is None else seconds
    return client_for(credential).with_budget(budget, max_wait=MAX_RETRY_WAIT, recorder=recorder)


def check_credential(*, credential: Credential) -> bool | None:
    """Ask for a conversation that can't exist, and keep the result; returns whether the credential works, None if that
    can't be known.

    It works if the server says that it has no conversation with that id, and says something else for a path that can't
    exist.
    """
    try:
        passed, message = _verdict(calls_for(credential))
        keep_rate_limits(credential)
    except CredentialUnusable as error:
        passed, message = False, str(error)
    credential.record_test(passed=passed, message=message)
    return passed


def try_credential(
    *, base_url: str, key: str, organization: str, project: str, headers: dict[str, str], ca_certificates: str
) -> tuple[bool | None, str]:
    """The same for values that aren't stored, and nothing is: whether they work, and a sentence about it."""
    problem = problem_with(base_url, settings.CREDENTIAL_HOSTS)
    if problem:
        return False, problem
    try:
        client = _new_client(
            key,
            base_url=base_url,
            organization=organization,
            project=project,
            headers=headers,
            ca_certificates=ca_certificates,
        )
    except OSError as error:
        return False, f"The certificates can’t be read ({error})."
    with closing(client):
        return _verdict(client.with_budget(settings.REQUEST_BUDGET, max_wait=MAX_RETRY_WAIT))


def keep_rate_limits(credential: Credential) -> None:
    """Store what the last response said is left of the credential's rate limits, if it said anything."""
    with _lock:
        client = _clients.get(credential.pk, (None, None))[1]
    if client is not None and client.rate_limits and client.rate_limits != credential.rate_limits:
        credential.record_rate_limits(client.rate_limits)


def _verdict(calls: Calls) -> tuple[bool | None, str]:
    """Whether the credential works, and a sentence about it."""
    try:
        calls.retrieve_conversation(NONEXISTENT_ID)
    except NotFound:
        return True, WORKS
    except (Unauthorized, Forbidden) as error:
        if not error.is_json:  # a page of HTML is some gateway's
            return None, f"{UNKNOWN} {error.full_message}"
        return False, f"The key was refused: {error.full_message}"
    except GatewayNotFound as error:
        return _verdict_by_route(calls, error)
    except OpenAIError as error:
        return None, f"{UNKNOWN} {error.full_message}"
    return None, f"{UNKNOWN} {RETURNS_ANYTHING}"


def _verdict_by_route(calls: Calls, error: GatewayNotFound) -> tuple[bool | None, str]:
    """The same for a 404 whose message doesn't mention conversations, from the response for a path that can't exist."""
    try:
        is_route_missing = calls.is_route_missing(NONEXISTENT_ID, error)
    except OpenAIError as other:
        return None, f"{UNKNOWN} {other.full_message}"
    if not is_route_missing:
        return (True, WORKS) if error.is_json else (None, f"{UNKNOWN} {error.full_message}")
    return False, f"This URL doesn’t seem to serve conversations: {error.message.rstrip('.')}. {NO_ROUTE_ADVICE}"


def _refuse_unusable(credential: Credential) -> None:
    if not credential.is_active:
        raise CredentialUnusable(credential, f"The credential “{credential.name}” is inactive.")
    problem = problem_with(credential.base_url, settings.CREDENTIAL_HOSTS)
    if problem:
        raise CredentialUnusable(credential, problem)


def _client_of(credential: Credential) -> Client:
    with _opening(credential):
        return _new_client(
            credential.open_key(),
            base_url=credential.base_url,
            organization=credential.organization,
            project=credential.project,
            headers=credential.open_headers(),
            ca_certificates=credential.ca_certificates,
        )


def _new_client(key: str, **options: Any) -> Client:
    return Client(key, **options, proxy=settings.OPENAI_PROXY, ca_file=settings.OPENAI_CA_FILE)


@contextmanager
def _opening(credential: Credential) -> Iterator[None]:
    try:
        yield
    except SealError as error:
        raise CredentialUnusable(credential, f"The secret of “{credential.name}” can’t be opened. {error}") from None
    except OSError as error:
        problem = f"The certificates in OPENAI_CA_FILE, or those of “{credential.name}”, can’t be read ({error})."
        raise CredentialUnusable(credential, problem) from None
