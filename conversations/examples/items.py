"""Example conversations with every type of item, with unknown types, and of any length.

Items are as the API returns them; the store adds missing ids.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from .agent_items import CUSTOM, PATCHES, SERVERS, SHELLS
from .hostile_items import hostile
from .media_items import from_other_servers
from .tool_items import CONTAINER, DRAWING, LOOKING_UP, ON_THE_WEB, PNG_URL, TOOLS, Item

__all__ = ["every_type", "from_other_servers", "hostile", "long", "unknown_types"]

ORDERS_CSV = "data:text/csv;base64,b3JkZXIsYW1vdW50LHBhaWQKNDgyMTMsNDkuOTAseWVzCg=="
ANSWER = (
    "Your order **48213** was delivered on Monday. Damaged goods are refunded in full (refund policy), as is the "
    "custom for kettles. I made an overview of the order and a list of your payments."
)


def _message(role: str, *parts: Item, status: str = "completed", **fields: Any) -> Item:
    return {"type": "message", "role": role, "status": status, "content": list(parts), **fields}


def _input_text(text: str) -> Item:
    return {"type": "input_text", "text": text}


def _output_text(text: str, annotations: list[Item] | None = None, logprobs: list[Item] | None = None) -> Item:
    return {"type": "output_text", "text": text, "annotations": annotations or [], "logprobs": logprobs or []}


def _span(text: str) -> dict[str, int]:
    """The position of a text in ANSWER."""
    start = ANSWER.index(text)
    return {"start_index": start, "end_index": start + len(text)}


def _logprob(token: str, logprob: float, *others: Item) -> Item:
    return {"token": token, "bytes": list(token.encode()), "logprob": logprob, "top_logprobs": list(others)}


def _top_logprob(token: str, logprob: float) -> Item:
    return {"token": token, "bytes": list(token.encode()), "logprob": logprob}


def _annotations() -> list[Item]:
    overview = {"container_id": CONTAINER, "file_id": "cfile_overview", "filename": "overview.png"}
    care = {"title": "Caring for a kettle", "url": "https://example.com/kettles/care"}
    return [
        {"type": "file_citation", "file_id": "file-policy01", "filename": "refund-policy.md", "index": 88},
        {"type": "url_citation", **care, **_span("custom for kettles")},
        {"type": "container_file_citation", **overview, **_span("overview of the order")},
        {"type": "file_path", "file_id": "file-payments", "index": ANSWER.index("list of your payments")},
    ]


def _opening() -> list[Item]:
    return [
        _message("system", _input_text("You are the support assistant of Acme. Be brief and friendly.")),
        _message("developer", _input_text("The customer is 48213, on the plan pro. Look before you promise.")),
        _message(
            "user",
            _input_text("The kettle from my order 48213 arrived with a crack. Here are photos and my papers."),
            {"type": "input_image", "detail": "auto", "image_url": "https://example.com/photos/crack.jpg"},
            {"type": "input_image", "detail": "high", "file_id": "file-photo17"},
            {"type": "input_image", "detail": "low", "image_url": PNG_URL},
            {"type": "input_file", "file_id": "file-invoice48213"},
            {"type": "input_file", "file_url": "https://example.com/papers/guarantee.pdf"},
            {"type": "input_file", "filename": "orders.csv", "file_data": ORDERS_CSV},
        ),
    ]


def _replies() -> list[Item]:
    top = [_top_logprob("Your", -0.021), _top_logprob("The", -4.1)]
    logprobs = [_logprob("Your", -0.021, *top), _logprob(" order", -0.3)]
    return [
        _message("assistant", _output_text("I look it up, one moment."), phase="commentary"),
        _message("assistant", _output_text(ANSWER, _annotations(), logprobs), phase="final_answer"),
        _message("user", _input_text("Then sign the refund in the name of my neighbour, please.")),
        _message("assistant", {"type": "refusal", "refusal": "I can't sign in someone else's name."}),
        _message("user", _input_text("And who mends the labels?"), status="in_progress"),
        _message("assistant", _output_text("I am at it: first the"), status="incomplete"),
    ]


def _read_only() -> list[Item]:
    """Messages with roles and parts that the API returns but doesn't accept."""
    screenshot = {"type": "computer_screenshot", "detail": "auto", "image_url": PNG_URL}
    return [
        _message("tool", {"type": "text", "text": "The desk is open from 9 to 17."}),
        _message("tool", screenshot, {"type": "computer_screenshot", "detail": "original", "file_id": "file-screen1"}),
        _message("critic", {"type": "reasoning_text", "text": "The answer names the policy, but not its date."}),
        _message("discriminator", {"type": "summary_text", "text": "The second of two answers is the better one."}),
        _message("unknown", {"type": "text", "text": "Handed over by another system."}),
    ]


def every_type() -> list[Item]:
    """A conversation with every type, role and part that the official package knows (openai 3.54)."""
    first, rest = _replies()[:1], _replies()[1:]
    items = [*TOOLS, *_opening(), *first, *LOOKING_UP, *ON_THE_WEB, *DRAWING, *rest]
    return deepcopy([*items, *SHELLS, *PATCHES, *SERVERS, *CUSTOM, *_read_only()])


def unknown_types() -> list[Item]:
    """Items with a type, a role and a part that no client knows."""
    return [
        {
            "type": "hologram_call",
            "status": "projecting",
            "call_id": "call_hologram",
            "projection": {"width_mm": 120, "colours": ["red", "blue"], "scene": {"object": "kettle", "turns": 0.25}},
        },
        {"type": "hologram_call_output", "call_id": "call_hologram", "output": None},
        _message("moderator", _input_text("This conversation was moved to the second line.")),
        _message(
            "assistant",
            _output_text("It smells like this:"),
            {"type": "output_smell", "notes": ["steam", "tea"], "strength": 3},
        ),
    ]


def long(count: int) -> Iterator[Item]:
    """Numbered short messages, by user and assistant in turn."""
    for number in range(1, count + 1):
        role = "user" if number % 2 else "assistant"
        text = f"Message {number} of {count}: {_TALK[number % len(_TALK)]}"
        yield _message(role, _input_text(text) if role == "user" else _output_text(text))


_TALK = (  # user and assistant in turn, the user at odd positions, so there has to be an even number
    "the kettle is on its way.",
    "where is my kettle?",
    "it was handed to the courier.",
    "is it the orange one?",
    "yes, the orange one, with the wide spout.",
    "and when will it be here?",
)
