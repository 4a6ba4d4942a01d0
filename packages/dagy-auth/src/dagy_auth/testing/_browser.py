"""Plays the browser of a user who logs in."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the browser shows at the end."""

    url: str
    status: int
    headers: Message = field(repr=False)
    body: str = field(repr=False)


def visit(url: str, *, follows_redirects: bool = True) -> Page:
    """Return the page that a browser comes to from this URL."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if not follows_redirects:
        handlers.append(_NoRedirects())
    opener = urllib.request.build_opener(*handlers)
    try:
        answer = opener.open(url, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return Page(
            url=answer.url,
            status=answer.status,
            headers=answer.headers,
            body=answer.read().decode(),
        )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None
