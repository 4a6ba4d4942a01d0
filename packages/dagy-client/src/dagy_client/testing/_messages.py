"""Requests and answers of the fake server, as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """A request as it arrived.

    Attributes:
        path: Below the base URL, decoded by nobody yet.
        headers: By their names in lower case.
        values: What stands in the places of the path's template.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def document(self) -> Any:  # Any: JSON
        """The body as JSON.

        Raises:
            RefusedError: When it is none.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise RefusedError(422, "not_json", "The body is not JSON.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer.

    Attributes:
        chunks: The body, as it is sent.
        is_cut: Whether the connection breaks after that.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[bytes, ...] = ()
    is_cut: bool = False


class RefusedError(Exception):
    """The server says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message


def json_reply(status: int, document: Any) -> Reply:  # Any: JSON
    """Return an answer with a document; without one when there is none."""
    if document is None:
        return Reply(status=status)
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return Reply(status=status, headers=headers, chunks=(body,))


def error_reply(refusal: RefusedError, request_id: str) -> Reply:
    """Return the answer that says no."""
    error = {"code": refusal.code, "message": refusal.message, "request_id": request_id}
    return json_reply(refusal.status, {"error": {**error, "hint": None}})
