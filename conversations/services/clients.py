"""From a credential record to a client: secrets opened, host checked, connections kept."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings

from ..encryption import SealError
from ..models import Credential, Event
from ..openai import base_url
from ..openai.client import Calls, Client
from ..openai.errors import Forbidden, ForeignNotFound, NotFound, OpenAIError, Unauthorized
from .errors import CredentialUnusable
from .recording import EventRecorder

WEB_PATIENCE = 2.0  # seconds that a web request waits before another attempt
NOBODYS_ID = "conv_" + "0" * 48
UNKNOWN = "It cannot be told whether it works:"
WORKS = "Works: the server knows the key and answers for conversations."
ANSWERS_ANYTHING = (
    "the server answered with a conversation that cannot exist. Get one by an id that you know, to see what it answers."
)
NO_ROUTE_ADVICE = (
    "The server gives the same answer for a path that cannot exist. Check the base URL: most end in /v1, and none in "
    "/conversations."
)

_clients: dict[int, tuple[datetime, Client]] = {}
_lock = threading.Lock()


def client_for(credential: Credential) -> Client:
    """The pooled client of a credential, made anew when the credential changed.

    Raises CredentialUnusable where it is inactive, its host is not allowed, or a secret does not open.
    """
    _refuse_unusable(credential)
    with _lock:
        changed_at, client = _clients.get(credential.pk, (None, None))
        if client is None or changed_at != credential.changed_at:
            outdated, client = client, _new_client(credential)
            _clients[credential.pk] = (credential.changed_at, client)
            if outdated is not None:
                outdated.close()
    return client


def forget_clients() -> None:
    """Close all pooled connections; the next calls make new ones."""
    with _lock:
        while _clients:
            _clients.popitem()[1][1].close()


def calls_for(credential: Credential, event: Event | None = None) -> Calls:
    """The eight calls within one web request's time, each attempt told to the event if there is one."""
    recorder = EventRecorder(event) if event is not None else None
    return client_for(credential).with_budget(settings.REQUEST_BUDGET, patience=WEB_PATIENCE, recorder=recorder)


def check_credential(*, credential: Credential) -> bool | None:
    """Ask for a conversation that cannot exist, and keep what was answered; gives whether the credential works, None
    where that cannot be told.

    It works if the server knows no conversation by that id, in other words than it has for a path that cannot exist.
    """
    try:
        passed, answer = _judgement(calls_for(credential))
    except CredentialUnusable as error:
        passed, answer = False, str(error)
    credential.record_test(passed=passed, answer=answer)
    return passed


def _judgement(calls: Calls) -> tuple[bool | None, str]:
    """Whether the credential works, and a sentence about it."""
    try:
        calls.retrieve_conversation(NOBODYS_ID)
    except NotFound:
        return True, WORKS
    except (Unauthorized, Forbidden) as error:
        is_told = error.is_json  # a page of HTML is some gateway's
        return (False, f"The key was refused: {error.in_full}") if is_told else (None, f"{UNKNOWN} {error.in_full}")
    except ForeignNotFound as error:
        return _judged_by_route(calls, error)
    except OpenAIError as error:
        return None, f"{UNKNOWN} {error.in_full}"
    return None, f"{UNKNOWN} {ANSWERS_ANYTHING}"


def _judged_by_route(calls: Calls, error: ForeignNotFound) -> tuple[bool | None, str]:
    """A 404 whose words do not speak of conversations, beside the answer for a path that cannot exist."""
    try:
        is_without_route = calls.is_without_route(NOBODYS_ID, error)
    except OpenAIError as other:
        return None, f"{UNKNOWN} {other.in_full}"
    if not is_without_route:
        return (True, WORKS) if error.is_json else (None, f"{UNKNOWN} {error.in_full}")
    return False, f"There seem to be no conversations at this address: {error.message.rstrip('.')}. {NO_ROUTE_ADVICE}"


def _refuse_unusable(credential: Credential) -> None:
    if not credential.is_active:
        raise CredentialUnusable(credential, f"The credential “{credential.name}” is not active.")
    problem = base_url.problem_with(credential.base_url, settings.CREDENTIAL_HOSTS)
    if problem:
        raise CredentialUnusable(credential, problem)


def _new_client(credential: Credential) -> Client:
    with _opening(credential):
        return Client(
            credential.open_key(),
            base_url=credential.base_url,
            organization=credential.organization,
            project=credential.project,
            headers=credential.open_headers(),
            proxy=settings.OPENAI_PROXY,
            ca_file=settings.OPENAI_CA_FILE,
            ca_certificates=credential.ca_certificates,
        )


@contextmanager
def _opening(credential: Credential) -> Iterator[None]:
    try:
        yield
    except SealError as error:
        raise CredentialUnusable(credential, f"The secret of “{credential.name}” cannot be opened. {error}") from None
    except OSError as error:
        problem = f"The certificates in OPENAI_CA_FILE, or those of “{credential.name}”, cannot be read ({error})."
        raise CredentialUnusable(credential, problem) from None
