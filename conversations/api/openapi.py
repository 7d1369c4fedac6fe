"""The description of the API in OpenAPI 3.1."""

from typing import Any

from .. import metadata as limits
from .requests import MAX_LIMIT, MAX_REGISTRATIONS

ID = {"type": "string", "minLength": 1, "maxLength": 255, "examples": ["conv_68a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9"]}
METADATA = {
    "type": "object",
    "description": (
        f"Up to {limits.MAX_PAIRS} pairs at OpenAI, keys of {limits.MAX_KEY_LENGTH} and values of "
        f"{limits.MAX_VALUE_LENGTH} characters."
    ),
    "additionalProperties": True,
    "examples": [{"tenant": "acme", "user_id": "48213"}],
}
LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 20}
UNIX_SECONDS = {"type": "integer", "description": "Unix seconds", "examples": [1764331200]}
SCHEMAS: dict[str, Any] = {
    "Registration": {
        "type": "object",
        "required": ["id"],
        "description": "What OpenAI responded to the creation can be sent as it is; further fields are ignored.",
        "properties": {
            "id": ID,
            "metadata": {"anyOf": [METADATA, {"type": "null"}]},
            "created_at": {"anyOf": [UNIX_SECONDS, {"type": "null"}]},
        },
    },
    "RegistrationResult": {
        "type": "object",
        "required": ["id", "object", "status"],
        "properties": {
            "id": ID,
            "object": {"const": "conversation.registration"},
            "status": {"enum": ["registered", "known"], "description": "known: the index had it, and it stays so."},
        },
    },
    "RegistrationList": {
        "type": "object",
        "required": ["object", "data"],
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/RegistrationResult"}},
        },
    },
    "Conversation": {
        "type": "object",
        "required": ["id", "object", "created_at", "metadata", "state", "read_at"],
        "properties": {
            "id": ID,
            "object": {"const": "conversation"},
            "created_at": UNIX_SECONDS,
            "metadata": METADATA,
            "state": {
                "enum": ["active", "differs", "missing", "removed", "unread"],
                "description": "unread: registered or imported, and not read at the server yet.",
            },
            "read_at": {"anyOf": [UNIX_SECONDS, {"type": "null"}]},
        },
    },
    "ConversationList": {
        "type": "object",
        "required": ["object", "data", "first_id", "last_id", "has_more"],
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/Conversation"}},
            "first_id": {"type": ["string", "null"]},
            "last_id": {"type": ["string", "null"], "description": "The `after` of the next page."},
            "has_more": {"type": "boolean"},
        },
    },
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                },
            }
        },
    },
}
ERRORS = {
    "400": "The request isn't valid; `param` names the field.",
    "401": "The token is missing, unknown or revoked.",
    "403": "The token lacks the right.",
    "404": "There is no such conversation.",
    "413": "The body is larger than 16 MB.",
    "429": "The token's limit is reached; `Retry-After` says for how many seconds.",
    "503": "The search takes too long.",
}


def document(server: str) -> dict[str, Any]:
    """The OpenAPI document of the API at this server."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Convadmin",
            "version": "1",
            "description": "Register the conversations that an application creates, and search the index of them.",
        },
        "servers": [{"url": f"{server}/api/v1"}],
        "security": [{"token": []}],
        "paths": {
            "/conversations": {"post": _register(), "get": _search()},
            "/conversations/{id}": {"get": _get()},
        },
        "components": {"schemas": SCHEMAS, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _register() -> dict[str, Any]:
    one = {"$ref": "#/components/schemas/Registration"}
    many = {"type": "array", "maxItems": MAX_REGISTRATIONS, "items": one}
    return {
        "operationId": "register",
        "summary": "Register conversations",
        "description": "Answers at once. Each conversation is read at its server later. Registering twice is harmless.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"oneOf": [one, many]}}}},
        "responses": {"202": _success("Registered", "RegistrationList"), **_errors("400", "413")},
    }


def _search() -> dict[str, Any]:
    return {
        "operationId": "search",
        "summary": "Search conversations, newest first",
        "parameters": [
            _parameter("q", "A search, as in the dashboard, like `tenant:acme state:active`.", {"type": "string"}),
            _parameter("after", "The `last_id` of the page before.", ID),
            _parameter("limit", "Conversations on a page.", LIMIT),
        ],
        "responses": {"200": _success("A page", "ConversationList"), **_errors("400", "503")},
    }


def _get() -> dict[str, Any]:
    return {
        "operationId": "get",
        "summary": "A conversation of the index",
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": ID}],
        "responses": {"200": _success("The conversation", "Conversation"), **_errors("404")},
    }


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _success(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _errors(*statuses: str) -> dict[str, Any]:
    return {status: _success(ERRORS[status], "Error") for status in sorted({*statuses, "401", "403", "429"})}
