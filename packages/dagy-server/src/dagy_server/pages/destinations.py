"""Where the sign-in page may send a browser on to: a page of this server, and nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

HOME = "/"

_PAGES = frozenset({HOME, "/oauth/authorize", "/device"})
_LONGEST = 8_192


def safe_destination(text: str) -> str:
    """Return a path with its query as it is, when it leads to a page here; else the home page."""
    if len(text) > _LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        return HOME
    try:
        parts = urlsplit(text)
    except ValueError:
        return HOME
    if parts.scheme or parts.netloc or parts.fragment or parts.path not in _PAGES:
        return HOME
    # What a browser would read otherwise than urlsplit: "//host", "/\host".
    return text if text.startswith(parts.path) and "\\" not in text else HOME
