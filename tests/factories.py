"""What tests are made of: plain functions with keyword defaults."""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Group, User
from django.db import connection, transaction

from conversations.models import Conversation, Credential, CredentialHeader, SavedView, State, Team
from conversations.openai.client import Calls, Client, Recorder
from conversations.openai.routes import NO_ROUTE
from conversations.query import parse
from conversations.sandbox import LogEntry, Sandbox
from tests.waiting import PATIENCE

PASSWORD = "a password for tests"
KEY = "sk-proj-marker-0123456789abcdef"  # long enough to be taken for a secret wherever it stands
CREATED_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)

_numbers = count(1)


def make_team(name: str = "") -> Team:
    team = Team(name=name or f"Team {next(_numbers)}")
    team.save()
    return team


def make_user(name: str = "", *, role: str | None = "Operator", teams: Iterable[Team] = (), **fields: Any) -> User:
    user = User.objects.create_user(name or f"user{next(_numbers)}", password=PASSWORD, **fields)
    user.groups.add(*teams, *([Group.objects.get(name=role)] if role else []))
    return user


def make_credential(
    sandbox: Sandbox | None = None,
    *,
    key: str | None = None,
    teams: Iterable[Team] = (),
    headers: Mapping[str, str] | None = None,
    **fields: Any,
) -> Credential:
    """A credential for the sandbox, with its key unless another is given; without one, of nobody's server."""
    base_url = sandbox.url if sandbox else "https://api.openai.com/v1"
    credential = Credential(**{"name": f"Credential {next(_numbers)}", "base_url": base_url, **fields})
    credential.set_key(key or (sandbox.key if sandbox else KEY))
    credential.save()
    credential.teams.add(*teams)
    for name, value in (headers or {}).items():
        add_header(credential, name, value)
    return credential


def add_header(credential: Credential, name: str, value: str) -> CredentialHeader:
    header = CredentialHeader(credential=credential, name=name)
    header.set_value(value)
    header.save()
    return header


def make_conversation(
    credential: Credential,
    metadata: Mapping[str, Any] | None = None,
    *,
    openai_id: str = "",
    created_at: datetime = CREATED_AT,
    added_by: User | None = None,
    state: str = State.ACTIVE,
) -> Conversation:
    """One in the index only."""
    with transaction.atomic():
        conversation = Conversation.objects.add(
            credential=credential,
            openai_id=openai_id or f"conv_{next(_numbers):048x}",
            created_at=int(created_at.timestamp()),
            metadata=metadata or {},
            added_by=added_by,
            origin="created",
        )
        bring_into_state(conversation, state)
    return conversation


def bring_into_state(conversation: Conversation, state: str) -> None:
    """As responses from OpenAI would do it, with the metadata that it has."""
    if state == State.DIFFERS:
        conversation.our_metadata = {"before": "it differed"}
        conversation.store_response(conversation.metadata, is_own_change=False)
    elif state == State.MISSING:
        conversation.store_not_found()
    elif state == State.REMOVED:
        conversation.store_removed()


def make_view(owner: User, q: str = "tenant:acme", *, name: str = "Acme", team: Team | None = None) -> SavedView:
    """A search that is kept, shared with the team if there is one."""
    view = SavedView(owner=owner, name=name, team=team)
    view.store(query_string=urlencode({"q": q}), query=parse(q))
    return view


def make_remote(sandbox: Sandbox, metadata: Mapping[str, Any] | None = None, **fields: Any) -> str:
    """The id of one that only the sandbox knows."""
    return sandbox.store.create_conversation(metadata=metadata, **fields)["id"]


def make_known(sandbox: Sandbox, credential: Credential, metadata: Mapping[str, Any] | None = None) -> Conversation:
    """One in the index that the sandbox knows too."""
    openai_id = make_remote(sandbox, metadata, created_at=int(CREATED_AT.timestamp()))
    return make_conversation(credential, metadata, openai_id=openai_id)


def add_messages(sandbox: Sandbox, conversation: Any, count: int) -> list[str]:
    """Put so many messages of a user into a conversation; gives their ids."""
    said = [{"type": "message", "role": "user", "content": f"Message {number}"} for number in range(1, count + 1)]
    return [item["id"] for item in sandbox.store.add_items(conversation.openai_id, said)]


def make_calls(
    sandbox: Sandbox,
    *,
    stack: ExitStack,
    key: str = "",
    budget: float = 5.0,
    max_wait: float = 2.0,
    recorder: Recorder | None = None,
    **options: Any,
) -> Calls:
    """The eight calls of a client of its own, closed with the stack."""
    client = Client(key or sandbox.key, **{"base_url": sandbox.url, **options})
    stack.callback(client.close)
    return client.with_budget(budget, max_wait=max_wait, recorder=recorder)


def calls_in(sandbox: Sandbox) -> list[LogEntry]:
    """The log without the question for a path that cannot exist, which comes before a 404 is believed."""
    return [entry for entry in sandbox.log if f"/{NO_ROUTE}/" not in entry.path]


def metadata_at(sandbox: Sandbox, openai_id: str) -> dict[str, Any]:
    """What the sandbox holds."""
    conversation = sandbox.store.get_conversation(openai_id)
    assert conversation is not None
    return conversation["metadata"]


def in_threads(*functions: Callable[[], Any]) -> list[Any]:
    """What each gave or raised, run at the same time, each in a thread with a database connection of its own."""
    results: list[Any] = [None] * len(functions)
    together = threading.Barrier(len(functions))

    def run(number: int, function: Callable[[], Any]) -> None:
        try:
            together.wait(PATIENCE)
            results[number] = function()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return results
