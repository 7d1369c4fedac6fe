"""From a credential record to a client: secrets opened, host checked, connections kept."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings

from .. import base_url
from ..encryption import SealError
from ..models import Credential, Event
from ..openai_client import Calls, Client
from ..openai_errors import NotFound, OpenAIError
from .attempts import EventRecorder
from .errors import CredentialUnusable

WEB_PATIENCE = 2.0  # seconds that a web request waits before another attempt
NOBODYS_ID = "conv_" + "0" * 48

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


def test_credential(*, credential: Credential) -> bool:
    """Ask for a conversation that cannot exist, and keep what was answered; True where the credential works.

    It works if the server says, in OpenAI's form, that it knows no conversation by that id.
    """
    try:
        calls_for(credential).retrieve_conversation(NOBODYS_ID)
    except (OpenAIError, CredentialUnusable) as error:
        passed, answer = _judge(error)
    else:
        passed, answer = False, "The server answered with a conversation that cannot exist. Check the base URL."
    credential.record_test(passed=passed, answer=answer)
    return passed


test_credential.__test__ = False  # type: ignore[attr-defined]  # pytest collects functions by this name


def _judge(error: OpenAIError | CredentialUnusable) -> tuple[bool, str]:
    if isinstance(error, CredentialUnusable):
        return False, str(error)
    if isinstance(error, NotFound) and NOBODYS_ID in error.message.replace(f"/{NOBODYS_ID}", ""):
        return True, "Works: the server knows the key and answers for conversations."
    if isinstance(error, NotFound):
        return False, f"{error.message} The server answered, but not for conversations. Check the base URL."
    return False, f"{error.message} {error.what_to_do}"


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
        )


@contextmanager
def _opening(credential: Credential) -> Iterator[None]:
    try:
        yield
    except SealError as error:
        raise CredentialUnusable(credential, f"The secret of “{credential.name}” cannot be opened. {error}") from None
