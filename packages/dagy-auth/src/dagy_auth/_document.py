"""Token sets as they are stored: the one place besides sending where secrets are revealed."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from typing import Any

from dagy_auth._secret import Secret
from dagy_auth._token_set import TokenSet
from dagy_auth._versioned import VERSION, document_errors, parse_versioned

_SECRETS = ("access_token", "refresh_token", "client_secret")
_TEXTS = (
    "origin",
    "client_id",
    "issuer",
    "resource",
    "token_endpoint",
    "revocation_endpoint",
    "email",
    "subject",
)
_NEEDED = ("access_token", "origin")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def to_document(tokens: TokenSet) -> Secret:
    """Return the JSON text of a token set."""
    document: dict[str, Any] = {"version": VERSION}
    for name in _SECRETS:
        secret = getattr(tokens, name)
        document[name] = secret and secret.reveal()
    for name in _TEXTS:
        document[name] = getattr(tokens, name)
    document["scopes"] = list(tokens.scopes)
    document["clock_skew_seconds"] = tokens.clock_skew_seconds
    if tokens.expires_at is not None:
        # Counted from the epoch, no time zone can shift it; in whole numbers, nothing is rounded.
        document["expires_at_microseconds"] = (tokens.expires_at - _EPOCH) // _MICROSECOND
    return Secret(
        json.dumps({name: value for name, value in document.items() if value is not None})
    )


def from_document(document: Secret, *, place: str) -> TokenSet:
    """Return the token set of a JSON text; what this release does not know in it is left out.

    Args:
        place: Where the text was found, for errors.

    Raises:
        CredentialStoreError: When it is damaged, or a newer release wrote it.
    """
    with document_errors(place, remedy="log in again"):
        return _token_set(parse_versioned(document))


def _token_set(document: dict[str, Any]) -> TokenSet:
    fields: dict[str, Any] = {}
    for name in (*_SECRETS, *_TEXTS):
        if name in document:
            text = _checked_text(document[name])
            fields[name] = Secret(text) if name in _SECRETS else text
    if not all(name in fields for name in _NEEDED):
        raise ValueError("incomplete")
    if "scopes" in document:
        fields["scopes"] = tuple(map(_checked_text, _checked_list(document["scopes"])))
    if "clock_skew_seconds" in document:
        fields["clock_skew_seconds"] = _checked_seconds(document["clock_skew_seconds"])
    if "expires_at_microseconds" in document:
        fields["expires_at"] = _checked_time(document["expires_at_microseconds"])
    return TokenSet(**fields)


def _checked_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _checked_list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def _checked_seconds(value: object) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
        raise ValueError("not a number")
    return float(value)  # type: ignore[arg-type]


def _checked_time(value: object) -> datetime:
    if type(value) is not int:
        raise ValueError("not a whole number")
    return _EPOCH + timedelta(microseconds=value)
