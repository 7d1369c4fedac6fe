"""All operations in one session, as a server's log has them: held against the API's reference."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from conversations.models import Conversation
from conversations.models.choices import Stage
from conversations.sandbox import Dialect, LogEntry, Sandbox
from conversations.services.clients import check_credential
from conversations.services.conversations import (
    create_conversation,
    get_conversation,
    refresh_conversation,
    remove_conversation,
    transfer_conversation,
)
from conversations.services.erasures import erase, start_erasure
from conversations.services.items import (
    add_items,
    all_pages,
    count_items,
    delete_items,
    find_partner,
    list_items,
    retrieve_item,
)
from conversations.services.metadata_edit import update_metadata
from tests.factories import KEY, calls_in, make_credential, make_remote

pytestmark = pytest.mark.django_db

MESSAGE = {"type": "message", "role": "user", "content": "Hello"}
SERVERS = {
    "merges": Dialect(),
    "merges and counts what goes": Dialect(counts_request=True),
    "merges and refuses null": Dialect(null="rust"),
    "replaces": Dialect(replaces_metadata=True),
    "deletes without a word": Dialect(deletes_silently=True),
}
FIELDS: dict[
    tuple[str, int, bool], set[str]
] = {  # of a body, by method, parts of the path, and whether it ends in items
    ("POST", 1, False): {"items", "metadata"},
    ("POST", 2, False): {"metadata"},
    ("POST", 3, True): {"items"},
}
QUERY = {"limit", "order", "after", "include[]"}


@pytest.fixture(params=SERVERS.values(), ids=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(key=KEY, dialect=request.param) as running:
        yield running


def session(server: Sandbox, actor: User) -> None:
    """Each operation that Convadmin has, once or more."""
    credential, other = make_credential(server), make_credential(server)
    check_credential(credential=credential)
    metadata = {"tenant": "acme", "env": "prod"}
    row = create_conversation(actor=actor, credential=credential, items=[MESSAGE] * 3, metadata=metadata)
    get_conversation(actor=actor, credential=credential, openai_id=make_remote(server, {"a": "1"}))
    update_metadata(actor=actor, conversation=row, opened_with=metadata, requested={"tenant": "other", "new": "1"})
    row = refresh_conversation(actor=actor, conversation=row)
    add_items(actor=actor, conversation=row, items=[MESSAGE])
    shown = list_items(conversation=row, newest_first=True, include=["message.input_image.image_url"])
    item = retrieve_item(conversation=row, item_id=shown.items[0]["id"])
    find_partner(conversation=row, item={**item, "type": "function_call", "call_id": "c"})
    delete_items(actor=actor, conversation=row, item_ids=[item["id"]])
    count_items(conversation=row)
    list(all_pages(row))
    row = transfer_conversation(actor=actor, conversation=row, credential=other)
    erasure = start_erasure(actor=actor, conversation=row, reason="Ticket 7")
    assert erase(actor=actor, erasure=erasure, seconds=8).stage == Stage.FINISHED
    remove_conversation(actor=actor, conversation=Conversation.objects.exclude(pk=row.pk).get())


def departures(entry: LogEntry) -> list[Any]:
    """What of a request the API's reference does not have."""
    parts = entry.path.strip("/").split("/")
    known = FIELDS.get((entry.method, len(parts), parts[-1] == "items"), set())
    body = entry.body if isinstance(entry.body, dict) else {}
    metadata = body.get("metadata") or {}
    found: list[Any] = [name for name in body if name not in known]
    found += [(key, value) for key, value in metadata.items() if not isinstance(value, str)]
    found += [name for name in entry.query if name not in QUERY or parts[-1] != "items"]
    found += [parts] if parts[0] != "conversations" or (len(parts) > 2 and parts[2] != "items") else []
    return found + ([] if entry.client_request_id else ["no X-Client-Request-Id"])


def test_a_session_departs_from_the_reference_by_a_null_alone_that_a_merging_server_needed(
    server: Sandbox, superuser: User
) -> None:
    session(server, superuser)
    found = [(entry.method, departure) for entry in calls_in(server) for departure in departures(entry)]
    assert found == ([] if server.dialect.replaces_metadata else [("POST", ("env", None))])


def test_beside_it_only_a_path_that_cannot_exist_is_requested_once(server: Sandbox, superuser: User) -> None:
    session(server, superuser)
    beside = [entry for entry in server.log if entry not in calls_in(server)]
    assert [(entry.method, entry.body, entry.query) for entry in beside] == [("GET", None, {})]
