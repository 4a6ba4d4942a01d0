"""Whether a refresh token is renewed, by rules alone (RFC 9700 §4.14.2).

All tokens of one login are a family. Each refresh token is good for one renewal. One that comes a
second time is in two hands, and nobody can tell whose the newer tokens are: the whole family ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Renewal(Enum):
    """What becomes of a request to renew tokens."""

    GRANTED = auto()
    REUSED = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """What is kept of a refresh token, apart from its hash."""

    client_id: str
    expires_at: int | None
    revoked_at: int | None
    replaced_by: str | None


def judge_renewal(token: RefreshToken | None, *, client_id: str, now: int) -> Renewal:
    """Decide what becomes of a refresh token that a program has sent."""
    if token is None or token.client_id != client_id:
        return Renewal.REFUSED
    if token.replaced_by is not None:
        return Renewal.REUSED
    is_over = token.expires_at is None or token.expires_at <= now
    return Renewal.REFUSED if is_over or token.revoked_at is not None else Renewal.GRANTED
