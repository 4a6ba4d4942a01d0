"""Who is signed in with which browser."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from dagy_server.accounts.users import User, read_user
from dagy_server.clock import SECOND
from dagy_server.database.schema import browser_sessions, users
from dagy_server.oauth.lifetimes import SESSION
from dagy_server.oauth.secrets import SESSION as PREFIX
from dagy_server.oauth.secrets import hash_of, new_secret


def new_browser_secret() -> str:
    """Return what the cookie of a browser says; it is nobody's yet."""
    return new_secret(PREFIX)


def start_session(connection: Connection, *, user_id: str, now: int) -> str:
    """Sign somebody in, and return what the cookie says from then on."""
    secret = new_browser_secret()
    connection.execute(delete(browser_sessions).where(browser_sessions.c.expires_at <= now))
    connection.execute(
        insert(browser_sessions).values(
            hash=hash_of(secret), user_id=user_id, created_at=now, expires_at=now + SESSION * SECOND
        )
    )
    return secret


def find_person(connection: Connection, secret: str, *, now: int) -> User | None:
    """Return who is signed in; ``None`` when nobody is."""
    row = connection.execute(
        select(users)
        .join(browser_sessions, browser_sessions.c.user_id == users.c.id)
        .where(
            browser_sessions.c.hash == hash_of(secret),
            browser_sessions.c.expires_at > now,
            users.c.is_disabled.is_(False),
        )
    ).one_or_none()
    return None if row is None else read_user(row)


def end_session(connection: Connection, secret: str) -> bool:
    """Sign out; tell whether somebody was signed in."""
    is_it = browser_sessions.c.hash == hash_of(secret)
    return connection.execute(delete(browser_sessions).where(is_it)).rowcount == 1
