"""Models of answers that all routes share, for ``/openapi.json``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class DocumentModel(BaseModel):
    """The model of an answer: it has these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class FieldFaultDocument(DocumentModel):
    """What is wrong with one field."""

    path: str
    message: str


class ErrorDetailDocument(DocumentModel):
    """What went wrong: a stable name, a line for people, what to do, and the name in the logs."""

    code: str
    message: str
    hint: str | None
    request_id: str
    fields: list[FieldFaultDocument] = []


class ErrorDocument(DocumentModel):
    """The body of every answer that is an error."""

    error: ErrorDetailDocument


class OAuthErrorDocument(DocumentModel):
    """What a program is told that gets no token (RFC 6749 §5.2)."""

    error: str
    error_description: str


def again(model: Any) -> dict[int | str, dict[str, Any]]:
    """Return the part of a route's description that says: what was there already is a 200."""
    return {200: {"model": model, "description": "It was there already"}}


def oauth_error_responses() -> dict[int | str, dict[str, Any]]:
    """Return the part of an OAuth route's description that names its refusals."""
    model = OAuthErrorDocument | ErrorDocument
    return {
        400: {"model": model, "description": "The request gets nothing"},
        401: {"model": OAuthErrorDocument, "description": "The program is not known"},
    }


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the part of a route's description that names its errors."""
    return {
        status: {
            "model": ErrorDocument,
            "description": DESCRIPTIONS[status],
            "headers": required_headers(*_HEADERS.get(status, ())),
        }
        for status in statuses
    }


def required_headers(*names: str) -> dict[str, Any]:
    """Return the part of an answer's description that names the headers that it has."""
    return {name: {"required": True, "schema": {"type": "string"}} for name in names}


_HEADERS = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}


DESCRIPTIONS = {
    400: "The request cannot be read",
    401: "No token, or none that is good",
    403: "Not allowed",
    404: "There is no such thing",
    409: "The state of things does not allow it, or a request with the same key is under way",
    413: "Too large",
    415: "A body of another kind",
    416: "No such range",
    421: "The Host header names another server",
    422: "A field that cannot be accepted",
    429: "Too many requests",
    431: "The path and the headers are too large",
    500: "The server failed",
    503: "The server cannot work now",
}
