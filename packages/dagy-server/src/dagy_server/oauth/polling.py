"""What a device is told that asks whether its code was entered, by rules alone (RFC 8628 §3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dagy_server.clock import SECOND
from dagy_server.oauth.lifetimes import POLL_INTERVAL

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"


class Poll(Enum):
    """An answer; all but the first are the names that the RFC gives them."""

    GRANTED = "granted"
    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    INVALID = "invalid_grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLogin:
    """What is kept of a device's login, apart from its codes."""

    client_id: str
    status: str
    expires_at: int
    interval_seconds: int
    polled_at: int | None
    used_at: int | None


def judge_poll(login: DeviceLogin | None, *, client_id: str, now: int) -> Poll:
    """Decide what a device is told.

    A device that asks too soon is told to be slower even when there would be news, so that asking
    often gains nothing.
    """
    if login is None or login.client_id != client_id or login.used_at is not None:
        return Poll.INVALID
    if login.expires_at <= now:
        return Poll.EXPIRED
    # A second of leeway: the time on the way differs from one request to the next.
    shortest = (login.interval_seconds - 1) * SECOND
    if login.polled_at is not None and now - login.polled_at < shortest:
        return Poll.SLOW_DOWN
    if login.status == "denied":
        return Poll.DENIED
    return Poll.GRANTED if login.status == "approved" else Poll.PENDING


def interval_after(poll: Poll, interval_seconds: int) -> int:
    """Return how long a device waits from then on."""
    return interval_seconds + (POLL_INTERVAL if poll is Poll.SLOW_DOWN else 0)
