"""How other servers of the API differ from OpenAI: what they do with metadata, items and errors."""

from dataclasses import dataclass
from typing import Any

from .errors import ApiError, invalid_type

# What servers of a strict type say to a null, each in words of its own; {key} is the key that it stands at.
NULL_REFUSALS: dict[str, tuple[int, dict[str, Any]]] = {
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
NULLS = ("removes", "openai", *NULL_REFUSALS)
NOT_FOUND = ("openai", "detail", "words", "text")


@dataclass(frozen=True)
class Dialect:
    """What a server does otherwise than OpenAI.

    replaces_metadata: an update replaces the whole map, where it would otherwise merge; null: what a null in metadata
    does, one of NULLS (a server that replaces refuses it); counts_request: the 16 pairs are counted in what is sent
    and held together, those that are to go among them; drops_items: a create stores none of the items it is given;
    says_no_more: `has_more` is always false; deletes_silently: a deletion is answered 204, without a body;
    not_found: the form of a 404, one of NOT_FOUND.
    """

    replaces_metadata: bool = False
    null: str = "removes"
    counts_request: bool = False
    drops_items: bool = False
    says_no_more: bool = False
    deletes_silently: bool = False
    not_found: str = "openai"

    def __post_init__(self) -> None:
        """Raise ValueError for a dialect that nobody speaks."""
        if self.null not in NULLS or self.not_found not in NOT_FOUND:
            raise ValueError(f"null is one of {', '.join(NULLS)}; not_found one of {', '.join(NOT_FOUND)}")

    @property
    def takes_null(self) -> bool:
        """Whether a null removes the key that it stands at."""
        return self.null == "removes" and not self.replaces_metadata

    def null_refusal(self, key: str) -> ApiError:
        """What is answered to a null."""
        if self.null not in NULL_REFUSALS:
            return invalid_type(f"metadata.{key}", "a string", None)
        status, document = NULL_REFUSALS[self.null]
        refusal = ApiError(status, "")
        refusal.document = _with_key(document, key)
        return refusal

    def told(self, error: ApiError) -> ApiError:
        """A refusal in the form in which this server writes it."""
        if error.status != 404 or self.not_found == "openai":
            return error
        message = error.document["error"]["message"]
        documents: dict[str, Any] = {"detail": {"detail": message}, "words": {"error": {"message": message}}}
        error.document = documents.get(self.not_found, message)
        return error


OPENAI = Dialect()


def _with_key(value: Any, key: str) -> Any:
    if isinstance(value, str):
        return value.replace("{key}", key)
    if isinstance(value, dict):
        return {name: _with_key(item, key) for name, item in value.items()}
    return [_with_key(item, key) for item in value] if isinstance(value, list) else value
