"""What a browser shows when a page cannot be: the same words as in a document, as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from dagy_server.pages.rendering import render

_PATHS = frozenset(
    {"/", "/sign-in", "/sign-out", "/setup", "/invitation", "/device", "/oauth/authorize"}
)


def is_page(path: str) -> bool:
    """Tell whether a path is one of those for people."""
    return path in _PATHS


def error_page(document: Any, *, status: int, headers: Mapping[str, str]) -> Response:
    """Return the page of an error document."""
    error = document["error"]  # Any: JSON
    answer = render(
        "message", status=status, heading=error["message"], text=error["hint"] or "Go back."
    )
    answer.headers.update({name: headers[name] for name in headers if name == "Retry-After"})
    return answer
