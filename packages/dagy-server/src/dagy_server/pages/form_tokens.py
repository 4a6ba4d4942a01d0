"""Proof that a form was filled in on a page of this server, in the browser that sends it."""

from __future__ import annotations

import hashlib
import hmac


def form_token(browser_secret: str) -> str:
    """Return what each form in a browser carries; only who has its cookie can know it."""
    return hmac.new(browser_secret.encode(errors="replace"), b"form", hashlib.sha256).hexdigest()


def is_own_form(
    token: str, *, browser_secret: str | None, origin: str, sent_from: str | None
) -> bool:
    """Tell whether a form is one of this server's own.

    Args:
        token: What the form carries.
        browser_secret: What the cookie says.
        origin: That of this server.
        sent_from: What the browser's `Origin` header says, if it has sent one.
    """
    if not browser_secret or (sent_from is not None and sent_from != origin):
        return False
    return hmac.compare_digest(form_token(browser_secret).encode(), token.encode(errors="replace"))
