"""How the sender of a request reaches this server, which is what the server calls itself."""

from __future__ import annotations

from starlette.requests import Request

from dagy_server.settings import Settings


def request_origin(request: Request, settings: Settings) -> str:
    """Return scheme, host and port, without a slash at the end.

    Where the operator has said nothing, it is what the request says, whose host has been checked:
    a person may use ``localhost`` or a forwarded port as well as the address.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    return f"{request.url.scheme}://{request.headers['host'].lower()}"
