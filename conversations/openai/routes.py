"""Tells a 404 of the API from a 404 that a gateway returns for any path. Pure.

Only the API's 404 proves that a conversation doesn't exist. A gateway without a route, a wrong base URL or a server
during a deployment return 404 too, often with the requested path in the message. So a 404 counts only if it mentions
the conversation or is in OpenAI's format, and if it differs from the response to a path that can't exist.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from .errors import OpenAIError, Refused

NO_ROUTE = "no-such-route"  # replaces "conversations" in the path that can't exist

_PATH = re.compile(r"\S*/\S*")
_METHOD = re.compile(r"\b(get|post|put|patch|delete|head)\b")
_ROUTE = re.compile(rf"\b(?:{NO_ROUTE}|conversations|items)\b")  # gateways quote parts of the path
_VOLATILE = re.compile(r"\b[0-9a-f-]{8,}\b|\d+")  # what differs between two responses: times, a gateway's trace id
_RESOURCES = ("conversation", "item")


def unrouted_path(path: str) -> str:
    """A path like that of a call, with the same id, that no server has a route for."""
    first_id = path.split("/")[2] if path.count("/") > 1 else "-"
    return f"/{NO_ROUTE}/{first_id}"


def signature(error: OpenAIError, path: str) -> str:
    """The error's message without what depends on the path and the time, to compare two of them."""
    text = _without_ids(error.message.casefold(), path)
    return " ".join(_VOLATILE.sub("", _METHOD.sub("", _ROUTE.sub("", text))).split())


def names_resource(error: OpenAIError, path: str) -> bool:
    """Whether an error mentions a conversation, an item or their ids, other than by quoting the path."""
    message = _PATH.sub(" ", error.message.casefold())
    return any(name in message for name in _RESOURCES) or any(_word(id_).search(message) for id_ in _ids(path))


def may_be_from_api(error: OpenAIError, path: str) -> bool:
    """Whether a 404 looks like the API's: it has an error object, or mentions the conversation or item."""
    return (isinstance(error, Refused) and error.has_error_object) or names_resource(error, path)


def _without_ids(text: str, path: str) -> str:
    text = _PATH.sub("/", text)
    for id_ in _ids(path):
        text = _word(id_).sub("", text)
    return text


def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def _ids(path: str) -> Iterable[str]:
    """The ids in the path of a call, decoded and in lower case."""
    return [unquote(part).casefold() for part in path.split("/")[2::2] if part]
