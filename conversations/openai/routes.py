"""Telling a 404 of the API from one that a gateway gives for any path. Pure.

Only the first proves that a conversation is not there. A gateway without a route, a wrong base URL or a server that is
just being replaced answer 404 too, in words that may name the path that was asked for. So an answer counts only if it
speaks of the conversation or has the form of the API's error, and differs from the answer to a path that cannot exist.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from .errors import OpenAIError, Refused

NO_ROUTE = "no-such-route"  # stands in the place of "conversations" in the path that cannot exist

_PATH = re.compile(r"\S*/\S*")
_METHOD = re.compile(r"\b(get|post|put|patch|delete|head)\b")
_ROUTE = re.compile(rf"\b(?:{NO_ROUTE}|conversations|items)\b")  # a gateway names the part of the path it stumbled over
_PASSING = re.compile(r"\b[0-9a-f-]{8,}\b|\d+")  # ids and times of one answer, such as a gateway's reference
_THINGS = ("conversation", "item")


def path_without_route(path: str) -> str:
    """The path beside that of a conversation, under which no server has anything."""
    first_id = path.split("/")[2] if path.count("/") > 1 else "-"
    return f"/{NO_ROUTE}/{first_id}"


def gist(error: OpenAIError, path: str) -> str:
    """What an error says, without what differs from path to path and from one time to the next."""
    text = _without_ids(error.message.casefold(), path)
    return " ".join(_PASSING.sub("", _METHOD.sub("", _ROUTE.sub("", text))).split())


def names_its_subject(error: OpenAIError, path: str) -> bool:
    """Whether an error speaks of the conversation, of an item or of their ids, other than by repeating the path."""
    said = _PATH.sub(" ", error.message.casefold())
    return any(name in said for name in _THINGS) or any(_whole(each).search(said) for each in _ids(path))


def may_be_of_the_api(error: OpenAIError, path: str) -> bool:
    """Whether a 404 looks like one of the API: an error object, or words about its subject."""
    return (isinstance(error, Refused) and error.is_in_form) or names_its_subject(error, path)


def _without_ids(text: str, path: str) -> str:
    text = _PATH.sub("/", text)
    for each in _ids(path):
        text = _whole(each).sub("", text)
    return text


def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def _ids(path: str) -> Iterable[str]:
    """The ids in the path of a call, as they stand in a text, in small letters."""
    return [unquote(part).casefold() for part in path.split("/")[2::2] if part]
