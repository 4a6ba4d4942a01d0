"""What comes to the fake provider, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """One request, as the provider saw it.

    Attributes:
        origin: The origin that the client meant, by the request's Host.
        path: Without the query, and without the path of the issuer.
        parameters: The query's and the form's.
        authorization: The header, empty when there was none.
    """

    method: str
    origin: str
    path: str
    parameters: Mapping[str, str]
    authorization: str = ""
    user_agent: str = ""

    @property
    def bearer_token(self) -> str | None:
        """The token in the Authorization header."""
        scheme, _, token = self.authorization.partition(" ")
        return token if scheme.lower() == "bearer" and token else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of the provider."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(document: Mapping[str, Any], *, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(document).encode())


def html_reply(text: str, *, status: int = 200) -> Reply:
    body = f"<!doctype html><title>Fake provider</title><p>{text}".encode()
    return Reply(status=status, body=body, content_type="text/html; charset=utf-8")


class Refusal(Exception):  # noqa: N818  It is an answer as good as any other.
    """The answer to a request that is refused (RFC 6749 §5.2)."""

    def __init__(self, error: str, description: str = "", *, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status

    def reply(self) -> Reply:
        return json_reply(
            {"error": self.error, "error_description": self.description or self.error},
            status=self.status,
        )
