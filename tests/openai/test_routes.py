"""A gateway's 404 has the same signature for every path, whichever part of it the message quotes."""

import pytest

from conversations.openai.errors import NotFound
from conversations.openai.routes import signature, unrouted_path

PATHS = ["/conversations/conv_0a1b", "/conversations/conv_0a1b/items", "/conversations/conv_0a1b/items/msg_1"]


def signature_of(message: str, path: str) -> str:
    route, *rest = path.strip("/").split("/")
    error = NotFound(message.format(path=path, route=route, id=rest[0], parts=" ".join(path.split("/"))))
    return signature(error, path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "message",
    ["No upstream for {route}", "service '{route}' has no resource", "{id} not found", "Cannot GET {path}"],
)
def test_a_quoted_part_of_the_path_does_not_change_the_signature(message: str, path: str) -> None:
    assert signature_of(message, path) == signature_of(message, unrouted_path(path))


def test_all_quoted_parts_of_the_path_do_not_change_it_either() -> None:
    path = PATHS[0]
    assert signature_of("no route for v1{parts}", path) == signature_of("no route for v1{parts}", unrouted_path(path))


def test_a_message_about_the_conversation_has_another_signature() -> None:
    path = PATHS[0]
    assert signature_of("Conversation with id '{id}' not found.", path) != signature_of(
        "Not found: {path}", unrouted_path(path)
    )
