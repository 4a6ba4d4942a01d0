"""The only requests that this server makes by itself: to the issuer that its operator trusts."""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from dagy_types.errors import ConfigError, NetworkError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 1024 * 1024


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def require_fetchable(url: str) -> None:
    """Make sure that what is at a URL cannot be changed on its way.

    Raises:
        ConfigError: When it is no https URL, and none of this machine.
    """
    try:
        parts = urlsplit(url)
        is_fetchable = parts.scheme == "https" and bool(parts.hostname)
        is_fetchable |= parts.scheme == "http" and parts.hostname in _LOOPBACK
    except ValueError:
        is_fetchable = False
    if not is_fetchable:
        raise ConfigError(f"Not an https URL: {url}", hint="Give it as https://HOST[:PORT][/PATH].")


def fetch_json(url: str) -> dict[str, Any]:
    """Return the JSON object at a URL; redirects are not followed.

    Raises:
        ConfigError: When the URL cannot be used.
        NetworkError: When there is no such object, or none that comes in time.
    """
    require_fetchable(url)
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if urlsplit(url).hostname in _LOOPBACK:
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - checked above
    try:
        with urllib.request.build_opener(*handlers).open(
            request, timeout=_TIMEOUT_SECONDS
        ) as answer:
            document = json.loads(answer.read(_MOST_BYTES))
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise NetworkError(f"There is no JSON to be had from {url}.", hint="Try again.") from error
    if not isinstance(document, dict):
        raise NetworkError(f"There is no JSON object at {url}.", hint="Check the URL.")
    return document
