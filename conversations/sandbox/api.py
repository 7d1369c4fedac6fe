"""The eight calls of the Conversations API, and the list of other servers: from a request and a store to a response."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import validation
from .dialect import OPENAI, Dialect
from .errors import ApiError, bad_request, invalid_type, missing_parameter, not_found
from .include import included
from .items import Item
from .messages import Request, Response
from .store import Conversation, Store


@dataclass(frozen=True)
class Call:
    """A request with a route. ids: from its path, decoded; include: the optional fields that it asks for."""

    store: Store
    request: Request
    ids: tuple[str, ...]
    dialect: Dialect
    include: frozenset[str] = frozenset()

    def conversation(self) -> Conversation:
        """The conversation in the path. Raises a 404."""
        conversation = self.store.get_conversation(self.ids[0])
        if conversation is None:
            raise not_found("Conversation", self.ids[0])
        return conversation

    def fields(self, *known: str) -> dict[str, Any]:
        """The fields of the body. Raises a 400 for an unknown field."""
        return validation.read_fields(self.request.document, known)

    def query(self, name: str) -> str | None:
        """The last value of a query parameter, None without any."""
        values = self.request.query.get(name)
        return values[-1] if values else None


def respond(store: Store, request: Request, *, key: str, dialect: Dialect = OPENAI) -> Response:
    """Check key, route and limits of a request, then carry it out."""
    try:
        check_key(request, key)
        route, ids = find_route(request, dialect)
        validation.refuse_unknown(request.query, route.query)
        call = Call(store, request, ids, dialect, validation.read_include(request.query))
        if request.method == "GET":  # without a transaction, which would wait for writers
            return Response(200, route.handler(call))
        with store.transaction():
            document = route.handler(call)
    except ApiError as error:
        return Response.from_error(dialect.format_error(error))
    if request.method == "DELETE" and dialect.deletes_silently:
        return Response(204, raw=b"", changed=True)
    return Response(200, document, changed=True)


def check_key(request: Request, key: str) -> None:
    """Raise a 401 if the bearer key is wrong."""
    # The message repeats the whole key on purpose: clients must not show or log it.
    sent = request.bearer_key
    if sent is None:
        message = "You didn't provide an API key. Send it in the Authorization header: Bearer YOUR_KEY."
        raise ApiError(401, message)
    if sent != key:
        raise ApiError(401, f"Incorrect API key provided: {sent}.", code="invalid_api_key")


# Conversations


def create_conversation(call: Call) -> Conversation:
    """POST /conversations. null is the same as a missing field."""
    fields = call.fields("items", "metadata")
    metadata, items = fields.get("metadata"), fields.get("items")
    return call.store.create_conversation(
        metadata={} if metadata is None else _strings(validation.read_metadata(metadata)),
        items=[] if items is None or call.dialect.drops_items else validation.read_items(items),
    )


def list_conversations(call: Call) -> dict[str, Any]:
    """GET /conversations, where the dialect has it: one page, newest first by default."""
    limit = validation.read_limit(call.query("limit"))
    is_descending = validation.read_order(call.query("order")) == "desc"
    found = call.store.list_conversations()
    found = found[::-1] if is_descending else found
    after = call.query("after")
    if after is not None:
        ids = [each["id"] for each in found]
        if after not in ids:
            raise not_found("Conversation", after)
        found = found[ids.index(after) + 1 :]
    return _page(found[:limit], has_more=len(found) > limit)


def retrieve_conversation(call: Call) -> Conversation:
    """GET /conversations/{id}."""
    return call.conversation()


def update_conversation(call: Call) -> Conversation:
    """POST /conversations/{id}: merges or replaces the metadata. The limits also apply to the result."""
    old = call.conversation()["metadata"]
    fields = call.fields("metadata")
    if "metadata" not in fields:
        raise missing_parameter("metadata")
    sent = {} if fields["metadata"] is None else fields["metadata"]
    _refuse_nulls(sent, call.dialect)
    wanted = validation.read_metadata(sent, nulls=True)
    merged = wanted if call.dialect.replaces_metadata else {**old, **wanted}
    metadata = _strings(merged)
    validation.check_pair_count(merged if call.dialect.counts_request else metadata)
    return call.store.set_metadata(call.ids[0], metadata)


def delete_conversation(call: Call) -> dict[str, Any]:
    """DELETE /conversations/{id}. Its items stay in the store, as at OpenAI, and can't be read any more."""
    id = call.conversation()["id"]
    call.store.delete_conversation(id)
    return {"id": id, "object": "conversation.deleted", "deleted": True}


def _refuse_nulls(sent: Any, dialect: Dialect) -> None:
    nulls = [key for key, value in sent.items() if value is None] if isinstance(sent, dict) else []
    if nulls and not dialect.takes_null:
        raise dialect.null_error(nulls[0])


def _strings(metadata: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if value is not None}


# Items


def list_items(call: Call) -> dict[str, Any]:
    """GET /conversations/{id}/items: one page, newest first by default."""
    id = call.conversation()["id"]
    limit = validation.read_limit(call.query("limit"))
    order = validation.read_order(call.query("order"))
    after = call.query("after")
    # One more item than requested tells whether there are more.
    try:
        items = call.store.list_items(id, order=order, after=after, limit=limit + 1)
    except KeyError as error:
        raise not_found("Item", str(after)) from error
    has_more = len(items) > limit and not call.dialect.says_no_more
    return _page([included(item, call.include) for item in items[:limit]], has_more=has_more)


def create_items(call: Call) -> dict[str, Any]:
    """POST /conversations/{id}/items: returns only the new items, with all fields whatever `include` says."""
    id = call.conversation()["id"]
    fields = call.fields("items")
    if "items" not in fields:
        raise missing_parameter("items")
    if fields["items"] is None:
        raise invalid_type("items", "an array", None)
    items = validation.read_items(fields["items"])
    if not items:
        raise bad_request("Invalid 'items': at least one item is expected.", "empty_array", "items")
    return _page(call.store.add_items(id, items), has_more=False)


def retrieve_item(call: Call) -> Item:
    """GET /conversations/{id}/items/{item_id}, with the optional fields in `include`."""
    item = call.store.get_item(call.conversation()["id"], call.ids[1])
    if item is None:
        raise not_found("Item", call.ids[1])
    return included(item, call.include)


def delete_item(call: Call) -> Conversation:
    """DELETE /conversations/{id}/items/{item_id}: returns the conversation, as documented."""
    conversation = call.conversation()
    if not call.store.delete_item(conversation["id"], call.ids[1]):
        raise not_found("Item", call.ids[1])
    return conversation


def _page(items: list[Item], *, has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


# Routes


@dataclass(frozen=True)
class Route:
    """What a method does on a path, and the query parameters that it accepts."""

    handler: Callable[[Call], Any]
    query: tuple[str, ...] = ()


_INCLUDE = validation.INCLUDE_PARAMETERS
_LIST = Route(list_conversations, ("limit", "order", "after"))
_ID = None  # matches any segment
_ROUTES: dict[tuple[str | None, ...], dict[str, Route]] = {
    ("conversations",): {"POST": Route(create_conversation)},
    ("conversations", _ID): {
        "GET": Route(retrieve_conversation),
        "POST": Route(update_conversation),
        "DELETE": Route(delete_conversation),
    },
    ("conversations", _ID, "items"): {
        "GET": Route(list_items, ("limit", "order", "after", *_INCLUDE)),
        "POST": Route(create_items, _INCLUDE),
    },
    ("conversations", _ID, "items", _ID): {
        "GET": Route(retrieve_item, _INCLUDE),
        "DELETE": Route(delete_item),
    },
}


def find_route(request: Request, dialect: Dialect) -> tuple[Route, tuple[str, ...]]:
    """The route of a request and the ids in its path. Raises a 404 or a 405."""
    methods, ids = _match(request)
    if not ids and dialect.lists_conversations:
        methods = {**methods, "GET": _LIST}
    if request.method not in methods:
        message = f"Not allowed to {request.method} on {request.full_path}."
        headers = {"Allow": ", ".join(methods)}
        raise ApiError(405, message, code="method_not_supported", headers=headers)
    return methods[request.method], ids


def _match(request: Request) -> tuple[dict[str, Route], tuple[str, ...]]:
    segments = request.segments if request.is_for_api else ()
    for pattern, methods in _ROUTES.items():
        pairs = list(zip(pattern, segments, strict=False))
        if len(pattern) == len(segments) and all(part == segment if part else segment for part, segment in pairs):
            return methods, tuple(segment for part, segment in pairs if part is _ID)
    raise ApiError(404, f"Invalid URL ({request.method} {request.full_path})")
