"""Logins of devices without a browser, as the database has them (RFC 8628)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from dagy_server.clock import DAY, SECOND
from dagy_server.database.schema import device_codes
from dagy_server.ids import new_id
from dagy_server.oauth import lifetimes
from dagy_server.oauth.clients import PublicClient
from dagy_server.oauth.polling import DeviceLogin, Poll, interval_after, judge_poll
from dagy_server.oauth.scopes import Scopes
from dagy_server.oauth.secrets import DEVICE_CODE, hash_of, new_secret
from dagy_server.oauth.tokens import Grant
from dagy_server.oauth.user_codes import new_user_code, read_user_code


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCodes:
    """What a device keeps to itself, and what it shows."""

    device_code: str = field(repr=False)
    user_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """A login that waits for somebody to allow it."""

    client_id: str
    scopes: Scopes


def start_device_login(
    connection: Connection, client: PublicClient, *, scopes: Scopes, now: int
) -> DeviceCodes:
    """Return the codes of a new login."""
    codes = DeviceCodes(device_code=new_secret(DEVICE_CODE), user_code=new_user_code())
    connection.execute(delete(device_codes).where(device_codes.c.expires_at < now - DAY))
    connection.execute(
        insert(device_codes).values(
            hash=hash_of(codes.device_code),
            user_code=read_user_code(codes.user_code),
            client_id=client.client_id,
            scopes=None if scopes is None else list(scopes),
            status="pending",
            interval_seconds=lifetimes.POLL_INTERVAL,
            created_at=now,
            expires_at=now + lifetimes.DEVICE_CODE * SECOND,
        )
    )
    return codes


def find_pending_login(connection: Connection, user_code: str, *, now: int) -> PendingLogin | None:
    """Return what waits under a code, as somebody has typed it; ``None`` when nothing does."""
    letters = read_user_code(user_code)
    if letters is None:
        return None
    row = connection.execute(
        select(device_codes.c.client_id, device_codes.c.scopes).where(*_is_pending(letters, now))
    ).one_or_none()
    if row is None:
        return None
    return PendingLogin(client_id=row.client_id, scopes=_scopes(row.scopes))


def answer_device_login(
    connection: Connection,
    user_code: str,
    *,
    user_id: str,
    organisation_id: str | None,
    now: int,
) -> bool:
    """Allow a login for an organisation, or deny it for none; tell whether it was waiting."""
    status = "denied" if organisation_id is None else "approved"
    values = {"status": status, "user_id": user_id, "organisation_id": organisation_id}
    is_pending = _is_pending(read_user_code(user_code) or "", now)
    return connection.execute(update(device_codes).where(*is_pending).values(values)).rowcount == 1


def poll_device_login(
    connection: Connection, device_code: str, *, client_id: str, now: int
) -> Poll:
    """Return how a login stands, and remember that it was asked."""
    codes = device_codes.c
    is_it = codes.hash == hash_of(device_code)
    # Two that ask at the same time are answered one after the other.
    row = connection.execute(select(device_codes).where(is_it).with_for_update()).one_or_none()
    poll = judge_poll(_login(row), client_id=client_id, now=now)
    if row is not None and poll is not Poll.INVALID:
        interval_seconds = interval_after(poll, row.interval_seconds)
        values = {"last_polled_at": now, "interval_seconds": interval_seconds}
        connection.execute(update(device_codes).where(is_it).values(values))
    return poll


def redeem_device_login(
    connection: Connection, device_code: str, *, client_id: str, now: int
) -> Grant | None:
    """Return what a login that was allowed grants, once."""
    codes = device_codes.c
    is_it = (
        codes.hash == hash_of(device_code),
        codes.client_id == client_id,
        codes.status == "approved",
        codes.expires_at > now,
        codes.used_at.is_(None),
    )
    if connection.execute(update(device_codes).where(*is_it).values(used_at=now)).rowcount != 1:
        return None
    row = connection.execute(select(device_codes).where(is_it[0])).one()
    return Grant(
        family_id=new_id("fam"),
        user_id=row.user_id,
        organisation_id=row.organisation_id,
        client_id=row.client_id,
        scopes=_scopes(row.scopes),
    )


def _is_pending(letters: str, now: int) -> tuple[ColumnElement[bool], ...]:
    codes = device_codes.c
    return codes.user_code == letters, codes.status == "pending", codes.expires_at > now


def _login(row: Row[tuple[object, ...]] | None) -> DeviceLogin | None:
    if row is None:
        return None
    return DeviceLogin(
        client_id=row.client_id,
        status=row.status,
        expires_at=row.expires_at,
        interval_seconds=row.interval_seconds,
        polled_at=row.last_polled_at,
        used_at=row.used_at,
    )


def _scopes(scopes: list[str] | None) -> Scopes:
    return None if scopes is None else tuple(scopes)
