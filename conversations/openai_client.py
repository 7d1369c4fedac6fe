"""The eight calls of OpenAI's Conversations API, over one pooled session, and nothing but HTTP.

Knows nothing of Django. A `Client` gets its key as a string, never logs a body or a key, and takes its own
secrets out of every text that it hands on. Every call ends within `budget` seconds, retries included, and
raises one of the errors drawn in `openai_errors`.

No idempotency key exists for these calls, so creating a conversation or items is sent a second time only
where the first certainly did nothing: the connection was never made, or the answer was 409, a 429 that
asks to wait, or `conversation_locked`.
"""

import json
import random
import time
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from .metadata import storable
from .openai_errors import BadAnswer, InvalidRequest, NotSent, OpenAIError, QuotaExceeded, decode
from .transport import Deadline, new_session, send

DEFAULT_BASE_URL = "https://api.openai.com/v1"
MAX_ATTEMPTS = 3
FIRST_DELAY = 0.5  # seconds before the second attempt, as the official client waits
MAX_ID_LENGTH = 255
SCRUBBED = "[secret]"
SHORTEST_SECRET = 6  # shorter header values ("1", "true") are switches, and would be cut out of every error
SHORTEST_SURE_SECRET = 20  # a shorter one ("production", "ollama") may as well be a word of someone's metadata
MAX_CREATED_AT = 2**40  # Unix seconds; later ones are absurd

Json = dict[str, Any]


@dataclass(frozen=True)
class RemoteConversation:
    """OpenAI's answer about a conversation: created_at in Unix seconds (None where absurd), metadata as sent."""

    id: str
    created_at: int | None
    metadata: Json
    request_id: str = ""


@dataclass(frozen=True)
class ItemPage:
    """One page of a conversation's items, as JSON; `last_id` is the `after` of the next page."""

    items: list[Json]
    last_id: str
    has_more: bool
    request_id: str = ""


class Recorder(Protocol):
    """What a caller hands over to write down each attempt."""

    def sending(self, method: str, path: str) -> str:
        """Called before each attempt; gives the X-Client-Request-Id to send it with."""

    def answered(self, status: int | None, request_id: str) -> None:
        """Called after each attempt; `status` is None where no answer came."""


class NoRecorder:
    """Writes nothing down; each attempt gets a fresh id all the same."""

    def sending(self, method: str, path: str) -> str:
        return str(uuid.uuid4())

    def answered(self, status: int | None, request_id: str) -> None:
        pass


def is_legal_id(text: str) -> bool:
    """Whether `text` can be an id at OpenAI: ids may change shape, so only what could harm is refused."""
    return (
        0 < len(text) <= MAX_ID_LENGTH
        and text not in {".", ".."}
        and "/" not in text
        and not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
    )


def _segment(text: str) -> str:
    if not is_legal_id(text):
        raise InvalidRequest(f"“{text[:80]}” cannot be an id at OpenAI.")
    return quote(text, safe="")


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
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = new_session(proxy)
        self._session.auth = _Bearer(key)
        self._session.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": "Convadmin", "Accept": "application/json", **(headers or {})}
        )
        if organization:
            self._session.headers["OpenAI-Organization"] = organization
        if project:
            self._session.headers["OpenAI-Project"] = project
        self._secrets = _spellings([key, *(headers or {}).values()])

    def __repr__(self) -> str:
        return f"<Client of {self._base_url}>"

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def with_budget(self, seconds: float, *, patience: float, recorder: Recorder | None = None) -> "Calls":
        """The eight calls, sharing `seconds` in all and waiting at most `patience` seconds between attempts."""
        return Calls(self, Deadline(seconds), patience, recorder or NoRecorder())

    def exchange(
        self, method: str, path: str, *, deadline: Deadline, request_id: str, **request: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request; gives status, headers and body, scrubbed. Raises NotSent, NoAnswer or BadAnswer.

        A successful body loses no short secret: it is data, which goes back to OpenAI with the next edit.
        """
        request["headers"] = {"X-Client-Request-Id": request_id}
        status, headers, body = send(self._session, method, f"{self._base_url}{path}", deadline, **request)
        shortest = SHORTEST_SURE_SECRET if 200 <= status < 300 else SHORTEST_SECRET
        clean = {name: storable(self.scrub(value)) for name, value in headers.items()}
        return status, clean, self._scrub_bytes(body, shortest)

    def scrub(self, text: str) -> str:
        """`text` without this client's secrets."""
        for secret in self._secrets:
            text = text.replace(secret, SCRUBBED)
        return text

    def _scrub_bytes(self, body: bytes, shortest: int) -> bytes:
        for secret in self._secrets:
            if len(secret) >= shortest:
                body = body.replace(secret.encode(errors="replace"), SCRUBBED.encode())
        return body


class Calls:
    """The eight calls under one deadline, each attempt told to a recorder."""

    def __init__(self, client: Client, deadline: Deadline, patience: float, recorder: Recorder) -> None:
        self._client = client
        self._deadline = deadline
        self._patience = patience
        self._recorder = recorder

    @property
    def remaining(self) -> float:
        """Seconds that are left of the budget; negative when it is used up."""
        return self._deadline.remaining

    def recorded_by(self, recorder: Recorder) -> "Calls":
        """The same calls within the same seconds, told to another recorder."""
        return Calls(self._client, self._deadline, self._patience, recorder)

    def create_conversation(self, *, items: Sequence[Json], metadata: Mapping[str, Any]) -> RemoteConversation:
        """POST /conversations. A failure with `may_have_happened` means that one may exist all the same."""
        body = {"items": list(items), "metadata": dict(metadata)}
        return _conversation(self._call("POST", "/conversations", json=body, repeatable=False))

    def retrieve_conversation(self, conversation_id: str) -> RemoteConversation:
        """GET /conversations/{id}."""
        answer = self._call("GET", f"/conversations/{_segment(conversation_id)}")
        return _conversation(answer, conversation_id)

    def update_conversation(self, conversation_id: str, metadata: Mapping[str, Any]) -> RemoteConversation:
        """POST /conversations/{id}. Whether it merges or replaces is OpenAI's affair: read the answer."""
        path = f"/conversations/{_segment(conversation_id)}"
        return _conversation(self._call("POST", path, json={"metadata": dict(metadata)}), conversation_id)

    def delete_conversation(self, conversation_id: str) -> None:
        """DELETE /conversations/{id}. Its items are kept by OpenAI and cannot be reached afterwards."""
        answer = self._call("DELETE", f"/conversations/{_segment(conversation_id)}")
        if answer.get("deleted") is not True or answer.get("id", conversation_id) != conversation_id:
            message = "The answer does not say that the conversation was deleted."
            raise BadAnswer(message, status=200, request_id=answer["_request_id"])

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
        return _page(self._call("GET", f"/conversations/{_segment(conversation_id)}/items", params=query))

    def create_items(self, conversation_id: str, items: Sequence[Json]) -> ItemPage:
        """POST …/items: adds 1–20 items; gives those that were added."""
        path = f"/conversations/{_segment(conversation_id)}/items"
        return _page(self._call("POST", path, json={"items": list(items)}, repeatable=False))

    def retrieve_item(self, conversation_id: str, item_id: str, *, include: Sequence[str] = ()) -> Json:
        """GET …/items/{item_id}."""
        path = f"/conversations/{_segment(conversation_id)}/items/{_segment(item_id)}"
        answer = self._call("GET", path, params=[("include[]", name) for name in include])
        return {name: value for name, value in answer.items() if name != "_request_id"}

    def delete_item(self, conversation_id: str, item_id: str) -> None:
        """DELETE …/items/{item_id}. OpenAI documents the conversation as its answer, and was seen to send another."""
        self._call("DELETE", f"/conversations/{_segment(conversation_id)}/items/{_segment(item_id)}")

    def _call(self, method: str, path: str, *, repeatable: bool = True, **request: Any) -> Json:
        may_have_happened = False
        for attempt in range(MAX_ATTEMPTS):
            try:
                return self._attempt(method, path, **request)
            except OpenAIError as error:
                if may_have_happened:
                    error.may_have_happened = True
                may_have_happened = error.may_have_happened and method != "GET"
                if attempt == MAX_ATTEMPTS - 1 or not self._wait_to_retry(error, attempt, repeatable):
                    raise
        raise AssertionError("The last attempt returns or raises.")

    def _attempt(self, method: str, path: str, **request: Any) -> Json:
        if self._deadline.remaining <= 0:
            raise NotSent("The time for this request was used up before it could be sent.")
        request_id = self._recorder.sending(method, path)
        status, answer_id = None, ""
        try:
            status, headers, body = self._client.exchange(
                method, path, deadline=self._deadline, request_id=request_id, **request
            )
            answer_id = headers.get("x-request-id", "")
            return {**decode(status, headers, body, self._client.scrub), "_request_id": answer_id}
        finally:
            self._recorder.answered(status, answer_id)

    def _wait_to_retry(self, error: OpenAIError, attempt: int, repeatable: bool) -> bool:
        """Sleep until the next attempt; False if there is to be none."""
        if not _may_retry(error, repeatable):
            return False
        backoff = min(FIRST_DELAY * 2**attempt, 8.0) * random.uniform(0.75, 1.0)  # noqa: S311
        delay = backoff if error.retry_after is None else error.retry_after
        if delay > self._patience or delay >= self._deadline.remaining:
            return False
        time.sleep(delay)
        return True


def _may_retry(error: OpenAIError, repeatable: bool) -> bool:
    """Whether a second attempt is right: never where the first may have created something, or where money is
    missing, whatever the server says of it."""
    if not repeatable and (error.may_have_happened or not error.worth_retrying):
        return False
    if isinstance(error, QuotaExceeded):
        return False
    return error.worth_retrying if error.should_retry is None else error.should_retry


def _conversation(answer: Json, expected_id: str = "") -> RemoteConversation:
    """The conversation in an answer; raises BadAnswer where it holds none, or another than was asked for."""
    conversation_id = answer.get("id")
    metadata = answer.get("metadata")
    request_id = answer["_request_id"]
    if not isinstance(conversation_id, str) or not is_legal_id(conversation_id):
        raise BadAnswer("The answer holds no conversation id.", status=200, request_id=request_id)
    if expected_id and conversation_id != expected_id:
        raise BadAnswer("The answer is about another conversation.", status=200, request_id=request_id)
    return RemoteConversation(
        id=conversation_id,
        created_at=_seconds(answer.get("created_at")),
        metadata=metadata if isinstance(metadata, dict) else {},
        request_id=request_id,
    )


def _seconds(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MAX_CREATED_AT else None


def _page(answer: Json) -> ItemPage:
    data = answer.get("data")
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise BadAnswer("The answer holds no list of items.", status=200, request_id=answer["_request_id"])
    last_id = answer.get("last_id") or (data[-1].get("id") if data else "")
    has_more = answer.get("has_more") is True and bool(last_id)  # without an id nobody can ask for more
    return ItemPage(items=data, last_id=str(last_id or ""), has_more=has_more, request_id=answer["_request_id"])


def _spellings(secrets: Sequence[str]) -> list[str]:
    """Each secret as it may stand in a text: plain, in JSON, in a URL; longest first."""
    long_enough = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
    spelled = {each for secret in long_enough for each in _spellings_of(secret)}
    return sorted(spelled, key=len, reverse=True)


def _spellings_of(secret: str) -> tuple[str, ...]:
    escaped = json.dumps(secret)[1:-1]
    in_url = (quote(secret, errors="replace"), quote(secret, safe="", errors="replace"))
    return secret, escaped, escaped.replace("/", "\\/"), *in_url
