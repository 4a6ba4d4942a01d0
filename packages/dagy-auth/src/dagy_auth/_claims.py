"""What a JWT says of itself, unverified.

Anybody can write such a token. So this serves two ends only: to display who logged in, and to know
when a token ends that came without a word about that. No access is ever decided by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from dagy_auth._secret import Secret

_MAX_CHARACTERS = 65_536
_MAX_SHOWN = 320


def read_claims(token: Secret | None) -> Mapping[str, Any]:
    """Return the claims of a JWT; nothing for any other text."""
    import base64
    import binascii
    import json

    parts = token.reveal().split(".") if token is not None else []
    if len(parts) != 3 or len(parts[1]) > _MAX_CHARACTERS:
        return {}
    try:
        padding = "=" * (-len(parts[1]) % 4)
        content = base64.b64decode(parts[1] + padding, altchars="-_", validate=True)
        claims = json.loads(content)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def claimed_text(claims: Mapping[str, Any], name: str) -> str | None:
    """Return a claim that can be shown in a line, if there is one of this name."""
    value = claims.get(name)
    if isinstance(value, str) and value.isprintable() and 0 < len(value) <= _MAX_SHOWN:
        return value
    return None


def claimed_expiry(claims: Mapping[str, Any]) -> datetime | None:
    """Return when the token ends, as it says itself."""
    value = claims.get("exp")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
