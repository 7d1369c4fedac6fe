"""The eight calls of OpenAI's Conversations API, and the list that other servers have, over one pooled session.

A `Client` gets its key as a string, never logs a body or a key, and removes its own secrets from everything it returns
or raises. Every call ends within its budget of seconds, including retries, and raises an error from `errors`.
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
    ConversationPage,
    ItemPage,
    RemoteConversation,
    read_conversation,
    read_deletion,
    read_item,
    read_list,
    read_page,
)
from .rate_limits import rate_limits
from .scrubbing import Scrubber
from .transport import Deadline, new_session, send

__all__ = [
    "DEFAULT_BASE_URL",
    "Calls",
    "Client",
    "ConversationPage",
    "ItemPage",
    "Json",
    "NoRecorder",
    "Recorder",
    "RemoteConversation",
]

DEFAULT_BASE_URL = "https://api.openai.com/v1"


def _conversation_path(conversation_id: str) -> str:
    if not is_legal_id(conversation_id):
        raise InvalidRequest(f"“{conversation_id[:80]}” can’t be an id at OpenAI.")
    return f"/conversations/{quote(conversation_id, safe='')}"


def _item_path(conversation_id: str, item_id: str) -> str:
    if not is_legal_item_id(item_id):
        raise InvalidRequest(f"“{item_id[:80]}” can’t be an id at OpenAI.")
    return f"{_conversation_path(conversation_id)}/items/{quote(item_id, safe='')}"


class _Bearer(AuthBase):
    """Sets the key through `auth=`, which `requests` doesn't override with credentials from `.netrc`."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class Client:
    """One credential's connections to its server. Thread-safe."""

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
        """Raises OSError if the certificates of private authorities can't be read."""
        self.base_url = base_url.rstrip("/")
        self._session = new_session(headers, proxy=proxy, ca_file=ca_file, ca_certificates=ca_certificates)
        self._session.auth = _Bearer(key)
        if organization:
            self._session.headers["OpenAI-Organization"] = organization
        if project:
            self._session.headers["OpenAI-Project"] = project
        self.scrubber = Scrubber([key, *(headers or {}).values()])
        self.rate_limits: dict[str, dict[str, int]] = {}  # as of the last response that told them

    def __repr__(self) -> str:
        return f"<Client of {self.base_url}>"

    def close(self) -> None:
        self._session.close()

    def with_budget(self, seconds: float, *, max_wait: float, recorder: Recorder | None = None) -> "Calls":
        """The calls, which share `seconds` in total and wait at most `max_wait` seconds before a retry."""
        return Calls(Attempts(self, Deadline(seconds), max_wait, recorder or NoRecorder()))

    def send(
        self, method: str, path: str, *, deadline: Deadline, request_id: str, **request: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request; returns status, headers and body. Raises NotSent, NoResponse or BadResponse.

        Secrets are removed, except those hidden by JSON escapes in the body: `decode()` removes these.
        """
        request["headers"] = {"X-Client-Request-Id": request_id}
        status, headers, body = send(self._session, method, f"{self.base_url}{path}", deadline, **request)
        clean = {name: replace_unstorable(self.scrubber.text(value)) for name, value in headers.items()}
        self.rate_limits = rate_limits(clean) or self.rate_limits
        return status, clean, self.scrubber.body(body, is_data=status < 300)


class Calls:
    """The eight calls of the API, under one deadline. Each attempt is reported to a recorder."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    @property
    def remaining(self) -> float:
        """Seconds left of the budget; negative once it is used up."""
        return self._attempts.remaining

    def recorded_by(self, recorder: Recorder) -> "Calls":
        """A copy that reports to another recorder and shares this deadline."""
        return Calls(self._attempts.recorded_by(recorder))

    def create_conversation(self, *, items: Sequence[Json], metadata: Mapping[str, Any]) -> RemoteConversation:
        """POST /conversations. After an error with `may_have_happened`, a conversation may exist."""
        body = {"items": list(items), "metadata": dict(metadata)}
        return self._attempts.call("POST", "/conversations", read_conversation, json=body, repeatable=False)

    def list_conversations(self, *, limit: int = 100, after: str = "") -> ConversationPage:
        """GET /conversations: up to `limit` (1–100) conversations, the oldest first, after the one with the id `after`.

        OpenAI has no such call; Azure AI Foundry and others do.
        """
        query = [("limit", str(limit)), ("order", "asc"), *([("after", after)] if after else [])]
        return self._attempts.call("GET", "/conversations", partial(read_list, limit=limit), params=query)

    def retrieve_conversation(self, conversation_id: str) -> RemoteConversation:
        """GET /conversations/{id}."""
        read = partial(read_conversation, expected_id=conversation_id)
        return self._attempts.call("GET", _conversation_path(conversation_id), read)

    def update_conversation(self, conversation_id: str, metadata: Mapping[str, Any]) -> RemoteConversation:
        """POST /conversations/{id}. Servers differ in whether they merge or replace: check the response."""
        read = partial(read_conversation, expected_id=conversation_id)
        return self._attempts.call("POST", _conversation_path(conversation_id), read, json={"metadata": dict(metadata)})

    def delete_conversation(self, conversation_id: str) -> bool:
        """DELETE /conversations/{id}; returns whether the response confirms it. If not, only a read can tell.

        OpenAI keeps the conversation's items, which can't be accessed any more.
        """
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
        """GET …/items: up to `limit` (1–100) items after the item with the id `after`."""
        query: list[tuple[str, str]] = [("limit", str(limit)), ("order", order)]
        query += [("after", after)] if after else []
        query += [("include[]", name) for name in include]
        path = f"{_conversation_path(conversation_id)}/items"
        return self._attempts.call("GET", path, partial(read_page, limit=limit), params=query)

    def create_items(self, conversation_id: str, items: Sequence[Json]) -> ItemPage:
        """POST …/items: adds 1–20 items and returns them."""
        path = f"{_conversation_path(conversation_id)}/items"
        # One more than was sent, or the response would look like a full page with more items behind it.
        read = partial(read_page, limit=len(items) + 1)
        return self._attempts.call("POST", path, read, json={"items": list(items)}, repeatable=False)

    def retrieve_item(self, conversation_id: str, item_id: str, *, include: Sequence[str] = ()) -> Json:
        """GET …/items/{item_id}."""
        params = [("include[]", name) for name in include]
        return self._attempts.call("GET", _item_path(conversation_id, item_id), read_item, params=params)

    def delete_item(self, conversation_id: str, item_id: str) -> bool:
        """DELETE …/items/{item_id}; returns whether the response confirms it. If not, only a read or a list can tell.

        OpenAI documents that it returns the conversation, but in practice it returns `deleted` for the item.
        """
        read = partial(read_deletion, deleted_id=item_id, conversation_id=conversation_id)
        return self._attempts.call("DELETE", _item_path(conversation_id, item_id), read)

    def is_route_missing(self, conversation_id: str, error: OpenAIError) -> bool:
        """Whether the conversation's URL and a nonexistent path get the same response, which is `error`.

        Raises OpenAIError if the server doesn't respond to the nonexistent path.
        """
        return self._attempts.is_route_missing(_conversation_path(conversation_id), error)
