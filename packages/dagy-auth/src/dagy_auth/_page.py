"""What the browser shows when it has come back: one line, and nothing from anywhere else."""

from __future__ import annotations

from http import HTTPStatus

_HEADERS = (
    "Content-Type: text/html; charset=utf-8",
    "Cache-Control: no-store",
    "Referrer-Policy: no-referrer",
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options: nosniff",
    "Connection: close",
)


def page(status: int) -> bytes:
    """Return the whole HTTP response of this status."""
    text = "This is not the answer to a login that is under way."
    if status == 200:
        text = "You can close this window now and go back to the terminal."
    body = f"<!doctype html><meta charset=utf-8><title>Login</title><p>{text}".encode()
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        *_HEADERS,
        *(["Allow: GET"] if status == 405 else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
