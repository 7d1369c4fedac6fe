"""The JSON of the API: conversations, lists, registrations, and errors as OpenAI writes them."""

from typing import Any

from django.http import JsonResponse

from ..models import Conversation

INVALID = "invalid_request_error"


class ApiError(Exception):
    """A request that can't be answered; `response()` says why in OpenAI's format."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None, **headers: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> JsonResponse:
        """The response with this error."""
        kind = "rate_limit_error" if self.status == 429 else INVALID
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return JsonResponse({"error": error}, status=self.status, headers=self.headers)


def conversation_object(row: Conversation) -> dict[str, Any]:
    """A conversation of the index, with the fields of OpenAI's own object and what the index knows besides."""
    return {
        "id": row.openai_id,
        "object": "conversation",
        "created_at": int(row.created_at.timestamp()),
        "metadata": row.metadata,
        "state": row.state,
        "read_at": int(row.read_at.timestamp()) if row.read_at else None,
    }


def list_object(data: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """A list in OpenAI's format."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }
