"""Cursors: where the next page of a list begins, signed so that nobody else can make one.

A cursor holds the sort key of the last item, so pages neither skip nor repeat anything when the
list changes elsewhere, and the thousandth costs what the first does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence

from dagy_types.errors import UsageError

_SIGNATURE_BYTES = 16


def encode_cursor(keys: Sequence[int | str], *, scope: str, secret: bytes) -> str:
    """Return a cursor behind the item with these sort keys.

    Args:
        scope: The list that it is good for.
    """
    content = json.dumps(list(keys), separators=(",", ":")).encode()
    signed = _signature(content, scope, secret) + content
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def decode_cursor(cursor: str, *, scope: str, secret: bytes) -> tuple[int | str, ...]:
    """Return the sort keys that are in a cursor.

    Raises:
        UsageError: When it was not made here for this list.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        signed = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _unknown() from None
    given, content = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(given, _signature(content, scope, secret)):
        raise _unknown()
    return tuple(json.loads(content))


def _signature(content: bytes, scope: str, secret: bytes) -> bytes:
    message = scope.encode(errors="replace") + b"\n" + content
    return hmac.new(secret, message, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _unknown() -> UsageError:
    return UsageError(
        "The cursor is not one of this list.",
        hint="Send next_cursor as it came, or none, to begin anew.",
    )
