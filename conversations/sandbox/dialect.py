"""How compatible servers differ from OpenAI: what they do with metadata, items and errors."""

from dataclasses import dataclass
from typing import Any

from .errors import ApiError, invalid_type

# The errors of typed servers for a null as a value; {key} is replaced by its key.
NULL_ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "rust": (
        400,
        {
            "error": {
                "message": "json error: invalid type: null, expected a string at line 1 column 24",
                "type": "invalid_request_error",
                "code": "invalid_request_error",
            }
        },
    ),
    "pydantic": (
        400,
        {
            "error": {
                "message": "{'errors': [{'loc': ['body','metadata','{key}'], 'msg': 'Input should be a valid string'}]}"
            }
        },
    ),
    "fastapi": (422, {"detail": [{"loc": ["body", "metadata", "{key}"], "msg": "Input should be a valid string"}]}),
}
NULLS = ("removes", "openai", *NULL_ERRORS)
NOT_FOUND = ("openai", "detail", "message", "text")


@dataclass(frozen=True)
class Dialect:
    """What a server does differently from OpenAI.

    replaces_metadata: an update replaces the metadata instead of merging it; null: what a null in metadata does, one of
    NULLS (a server that replaces refuses it); counts_request: the limit of 16 pairs applies to old and new pairs
    together, including those to be removed; drops_items: a create ignores the items; says_no_more: `has_more` is always
    false; deletes_silently: a deletion returns 204 without a body; lists_conversations: it has GET /conversations, as
    Azure AI Foundry has; not_found: the format of a 404, one of NOT_FOUND.
    """

    replaces_metadata: bool = False
    null: str = "removes"
    counts_request: bool = False
    drops_items: bool = False
    says_no_more: bool = False
    deletes_silently: bool = False
    lists_conversations: bool = False
    not_found: str = "openai"

    def __post_init__(self) -> None:
        if self.null not in NULLS or self.not_found not in NOT_FOUND:
            raise ValueError(f"null is one of {', '.join(NULLS)}; not_found one of {', '.join(NOT_FOUND)}")

    @property
    def takes_null(self) -> bool:
        """Whether a null removes its key."""
        return self.null == "removes" and not self.replaces_metadata

    def null_error(self, key: str) -> ApiError:
        """The error for a null as a value."""
        if self.null not in NULL_ERRORS:
            return invalid_type(f"metadata.{key}", "a string", None)
        status, document = NULL_ERRORS[self.null]
        error = ApiError(status, "")
        error.document = _with_key(document, key)
        return error

    def format_error(self, error: ApiError) -> ApiError:
        """The error as this server writes it."""
        if error.status != 404 or self.not_found == "openai":
            return error
        message = error.document["error"]["message"]
        documents: dict[str, Any] = {"detail": {"detail": message}, "message": {"error": {"message": message}}}
        error.document = documents.get(self.not_found, message)
        return error


OPENAI = Dialect()


def _with_key(value: Any, key: str) -> Any:
    if isinstance(value, str):
        return value.replace("{key}", key)
    if isinstance(value, dict):
        return {name: _with_key(item, key) for name, item in value.items()}
    return [_with_key(item, key) for item in value] if isinstance(value, list) else value
