"""The eight calls of OpenAI's Conversations API, over one pooled session, and nothing but HTTP.

Knows nothing of Django. A `Client` gets its key as a string, never logs a body or a key, and takes its own
secrets out of every text that it hands on. Every call ends within `budget` seconds, retries included, and
raises one of the errors drawn in `openai_errors`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from ..metadata import replace_unstorable
from .attempts import Attempts, NoRecorder, Recorder
from .decoding import Json
from .errors import InvalidRequest, OpenAIError
from .ids import is_legal_id, is_legal_item_id
from .objects import (
    ItemPage,
    RemoteConversation,
    read_conversation,
    read_deletion,
    read_item,
    read_page,
)
from .scrubbing import Scrubber
from .transport import Deadline, new_session, send

__all__ = [
    "DEFAULT_BASE_URL",
    "Calls",
    "Client",
    "ItemPage",
    "Json",
    "NoRecorder",
    "Recorder",
    "RemoteConversation",
]

DEFAULT_BASE_URL = "https://api.openai.com/v1"


def _conversation_path(conversation_id: str) -> str:
    if not is_legal_id(conversation_id):
        raise InvalidRequest(f"“{conversation_id[:80]}” cannot be an id at OpenAI.")
    return f"/conversations/{quote(conversation_id, safe='')}"


def _item_path(conversation_id: str, item_id: str) -> str:
    if not is_legal_item_id(item_id):
        raise InvalidRequest(f"“{item_id[:80]}” cannot be an id at OpenAI.")
    return f"{_conversation_path(conversation_id)}/items/{quote(item_id, safe='')}"


class _Bearer(AuthBase):
    """The key by `auth=`, which no `.netrc` replaces."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class Client:
    """One credential's way to OpenAI. Thread-safe; `close()` lets its connections go."""

    def __init__(
        self,
        key: str,
        *,
        base_url: str = DEFAULT_BASE_URL,
        organization: str = "",
        project: str = "",
        headers: Mapping[str, str] | None = None,
        proxy: str = "",
        ca_file: str = "",
        ca_certificates: str = "",
    ) -> None:
        """Raises OSError where the certificates of further authorities cannot be read."""
        self.base_url = base_url.rstrip("/")
        self._session = new_session(proxy, ca_file=ca_file, ca_certificates=ca_certificates)
        self._session.auth = _Bearer(key)
        self._session.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": "Convadmin", "Accept": "application/json", **(headers or {})}
        )
        if organization:
            self._session.headers["OpenAI-Organization"] = organization
        if project:
            self._session.headers["OpenAI-Project"] = project
        self.scrubber = Scrubber([key, *(headers or {}).values()])

    def __repr__(self) -> str:
        return f"<Client of {self.base_url}>"

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def with_budget(self, seconds: float, *, patience: float, recorder: Recorder | None = None) -> "Calls":
        """The eight calls, sharing `seconds` in all and waiting at most `patience` seconds between attempts."""
        return Calls(Attempts(self, Deadline(seconds), patience, recorder or NoRecorder()))

    def exchange(
        self, method: str, path: str, *, deadline: Deadline, request_id: str, **request: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request; gives status, headers and body, without secrets but for those that JSON's escapes hide.

        Raises NotSent, NoResponse or BadResponse.
        """
        request["headers"] = {"X-Client-Request-Id": request_id}
        status, headers, body = send(self._session, method, f"{self.base_url}{path}", deadline, **request)
        clean = {name: replace_unstorable(self.scrubber.text(value)) for name, value in headers.items()}
        return status, clean, self.scrubber.body(body, is_data=status < 300)


class Calls:
    """The eight calls under one deadline, each attempt told to a recorder."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    @property
    def remaining(self) -> float:
        """Seconds that are left of the budget; negative when it is used up."""
        return self._attempts.remaining

    def recorded_by(self, recorder: Recorder) -> "Calls":
        """The same calls within the same seconds, told to another recorder."""
        return Calls(self._attempts.recorded_by(recorder))

    def create_conversation(self, *, items: Sequence[Json], metadata: Mapping[str, Any]) -> RemoteConversation:
        """POST /conversations. A failure with `may_have_happened` means that one may exist all the same."""
        body = {"items": list(items), "metadata": dict(metadata)}
        return self._attempts.call("POST", "/conversations", read_conversation, json=body, repeatable=False)

    def retrieve_conversation(self, conversation_id: str) -> RemoteConversation:
        """GET /conversations/{id}."""
        read = partial(read_conversation, expected_id=conversation_id)
        return self._attempts.call("GET", _conversation_path(conversation_id), read)

    def update_conversation(self, conversation_id: str, metadata: Mapping[str, Any]) -> RemoteConversation:
        """POST /conversations/{id}. Whether it merges or replaces is the server's affair: read the answer."""
        read = partial(read_conversation, expected_id=conversation_id)
        return self._attempts.call("POST", _conversation_path(conversation_id), read, json={"metadata": dict(metadata)})

    def delete_conversation(self, conversation_id: str) -> bool:
        """DELETE /conversations/{id}; gives whether the answer confirms it. Where it does not, as an empty one, only a
        read tells. Its items are kept by OpenAI and cannot be reached afterwards."""
        read = partial(read_deletion, deleted_id=conversation_id)
        return self._attempts.call("DELETE", _conversation_path(conversation_id), read)

    def list_items(
        self,
        conversation_id: str,
        *,
        limit: int = 20,
        order: str = "asc",
        after: str = "",
        include: Sequence[str] = (),
    ) -> ItemPage:
        """GET …/items: up to `limit` (1–100) items after the item `after`."""
        query: list[tuple[str, str]] = [("limit", str(limit)), ("order", order)]
        query += [("after", after)] if after else []
        query += [("include[]", name) for name in include]
        path = f"{_conversation_path(conversation_id)}/items"
        return self._attempts.call("GET", path, partial(read_page, limit=limit), params=query)

    def create_items(self, conversation_id: str, items: Sequence[Json]) -> ItemPage:
        """POST …/items: adds 1–20 items; gives those that were added."""
        path = f"{_conversation_path(conversation_id)}/items"
        read = partial(read_page, limit=len(items) + 1)
        return self._attempts.call("POST", path, read, json={"items": list(items)}, repeatable=False)

    def retrieve_item(self, conversation_id: str, item_id: str, *, include: Sequence[str] = ()) -> Json:
        """GET …/items/{item_id}."""
        params = [("include[]", name) for name in include]
        return self._attempts.call("GET", _item_path(conversation_id, item_id), read_item, params=params)

    def delete_item(self, conversation_id: str, item_id: str) -> bool:
        """DELETE …/items/{item_id}; gives whether the answer confirms it. OpenAI documents the conversation as its
        answer, and was seen to send `deleted` of the item; after any other only a read or a listing tells."""
        read = partial(read_deletion, deleted_id=item_id, conversation_id=conversation_id)
        return self._attempts.call("DELETE", _item_path(conversation_id, item_id), read)

    def is_without_route(self, conversation_id: str, error: OpenAIError) -> bool:
        """Whether the answer about a conversation is the one that a path beside it gets, which cannot exist.

        Raises the OpenAIError that kept the server from answering for that path.
        """
        return self._attempts.is_without_route(_conversation_path(conversation_id), error)
