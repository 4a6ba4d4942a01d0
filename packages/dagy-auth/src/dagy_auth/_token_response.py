"""What a token endpoint gives, checked and made a `TokenSet`.

How long a token is good, is written in many ways. A number of seconds is taken as it is, as a text
too, and so is a point in time: seconds since 1970, or ISO 8601 in UTC. A point in time is by the
server's clock, and is changed to this machine's by what the answer's Date header tells. What is
missing, is no number, is over already or lies more than ten years ahead, tells nothing: such a
token is used until the server refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from dagy_auth._answer import Answer, require_success, shown
from dagy_auth._application import Application
from dagy_auth._claims import claimed_text, read_claims
from dagy_auth._origin import origin_of
from dagy_auth._provider import Provider
from dagy_auth._secret import Secret
from dagy_auth._sendable import require_sendable
from dagy_auth._token_set import TokenSet
from dagy_types.errors import AuthError

_LONGEST_SECONDS = 10 * 366 * 86_400.0


def without_tokens(provider: Provider, application: Application, *, origin: str) -> TokenSet:
    """Return the token set of a login that has not given any token yet."""
    return TokenSet(
        access_token=Secret(""),
        origin=origin_of(origin),
        client_id=application.client_id,
        client_secret=application.client_secret,
        scopes=application.scopes,
        issuer=provider.issuer,
        resource=application.resource,
        token_endpoint=provider.token_endpoint,
        revocation_endpoint=provider.revocation_endpoint,
    )


def with_tokens(tokens: TokenSet, answer: Answer, *, nonce: Secret | None = None) -> TokenSet:
    """Return a token set with the tokens of an answer; it keeps what the answer does not tell.

    Args:
        nonce: What an identity token in the answer must repeat, if it has any such thing.

    Raises:
        AuthError: When the answer is a refusal, or no token that can be used.
        NetworkError: When the server is not available for now.
    """
    # An error from here shows no secret even where its traceback shows all variables.
    require_success(answer)
    access_token = _secret(answer, "access_token")
    if access_token is None:
        raise AuthError(f"{answer.host} answered without an access token.", hint="Log in again.")
    require_sendable(access_token)
    _require_bearer(answer)
    if nonce is not None and not _repeats(answer, nonce):
        raise AuthError(
            f"{answer.host} answered with the identity of another login.", hint="Log in again."
        )
    return _merged(tokens, answer, access_token=access_token)


def _merged(tokens: TokenSet, answer: Answer, *, access_token: Secret) -> TokenSet:
    document = answer.document or {}
    sources = (read_claims(_secret(answer, "id_token")), document, read_claims(access_token))
    return replace(
        tokens,
        access_token=access_token,
        refresh_token=_secret(answer, "refresh_token") or tokens.refresh_token,
        expires_at=expiry(
            document, sent_at=answer.sent_at, clock_skew_seconds=answer.clock_skew_seconds
        ),
        scopes=_scopes(document) or tokens.scopes,
        email=_first_text(sources, "email") or tokens.email,
        subject=_first_text(sources, "sub") or tokens.subject,
        clock_skew_seconds=answer.clock_skew_seconds,
    )


def expiry(
    document: Mapping[str, Any], *, sent_at: datetime, clock_skew_seconds: float
) -> datetime | None:
    """Return when a token ends, in UTC by this machine's clock; ``None`` when that is not told."""
    seconds = number(document.get("expires_in"))
    if seconds is None:
        moment = point_in_time(document.get("expires_at"))
        if moment is None:
            return None
        seconds = (moment - sent_at).total_seconds() + clock_skew_seconds
    if not 0.0 < seconds <= _LONGEST_SECONDS:
        return None
    try:
        return sent_at.astimezone(timezone.utc) + timedelta(seconds=seconds)
    except OverflowError:
        return None


def point_in_time(value: object) -> datetime | None:
    """Return a time that is written as seconds since 1970 or in ISO 8601, by default in UTC."""
    seconds = number(value)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds, timezone.utc)
        if not isinstance(value, str):
            return None
        # Python 3.10 reads neither a Z nor every fraction of a second.
        text = re.sub(r"[.,]\d+", "", value.strip()).replace("Z", "+00:00")
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def number(value: object) -> float | None:
    """Return a number that may be written as a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _secret(answer: Answer, name: str) -> Secret | None:
    value = (answer.document or {}).get(name)
    return Secret(value) if isinstance(value, str) and value else None


def _repeats(answer: Answer, nonce: Secret) -> bool:
    said = read_claims(_secret(answer, "id_token")).get("nonce")
    return said is None or said == nonce.reveal()


def _require_bearer(answer: Answer) -> None:
    kind = (answer.document or {}).get("token_type", "bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise AuthError(
            f"{answer.host} gives tokens of the kind {shown(str(kind))!r}, and only bearer tokens "
            "can be used.",
            hint="Ask whoever runs the provider for bearer tokens.",
        )


def _scopes(document: Mapping[str, Any]) -> tuple[str, ...]:
    value = document.get("scope")
    if not isinstance(value, str):
        return ()
    return tuple(each for each in value.split() if each.isprintable())


def _first_text(sources: tuple[Mapping[str, Any], ...], name: str) -> str | None:
    return next(filter(None, (claimed_text(each, name) for each in sources)), None)
