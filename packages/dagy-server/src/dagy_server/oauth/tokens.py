"""Access and refresh tokens, as the database has them: by their hashes, in families."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from dagy_server.clock import SECOND
from dagy_server.database.schema import memberships, oauth_tokens, users
from dagy_server.ids import new_id
from dagy_server.oauth import lifetimes
from dagy_server.oauth.renewal import RefreshToken, Renewal, judge_renewal
from dagy_server.oauth.scopes import Scopes
from dagy_server.oauth.secrets import ACCESS_TOKEN, REFRESH_TOKEN, hash_of, new_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Who has allowed which program what.

    Attributes:
        family_id: Of all tokens that come of it.
    """

    family_id: str
    user_id: str
    organisation_id: str
    client_id: str
    scopes: Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedTokens:
    """Tokens that nobody can read again."""

    grant: Grant
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: int


def issue_tokens(
    connection: Connection,
    grant: Grant,
    *,
    now: int,
    access_seconds: int = lifetimes.ACCESS_TOKEN,
    is_renewable: bool = True,
) -> IssuedTokens | None:
    """Return the first tokens of a family; ``None`` when its user may not be here any more."""
    if not _is_member(connection, grant):
        return None
    last_use = func.coalesce(oauth_tokens.c.refresh_expires_at, oauth_tokens.c.access_expires_at)
    connection.execute(delete(oauth_tokens).where(last_use < now))
    return _insert_tokens(
        connection,
        grant,
        token_id=new_id("tok"),
        now=now,
        access_seconds=access_seconds,
        is_renewable=is_renewable,
    )


def renew_tokens(
    connection: Connection, refresh_token: str, *, client_id: str, now: int
) -> tuple[Renewal, IssuedTokens | Grant | None]:
    """Return new tokens for a refresh token, which is spent then, or whose family has ended."""
    tokens = oauth_tokens.c
    found = select(oauth_tokens).where(tokens.refresh_hash == hash_of(refresh_token))
    row = connection.execute(found).one_or_none()
    verdict = judge_renewal(_refresh_token(row), client_id=client_id, now=now)
    if row is None or verdict is Renewal.REFUSED:
        return Renewal.REFUSED, None
    grant = _grant(row)
    token_id = new_id("tok")
    unspent = and_(tokens.id == row.id, tokens.replaced_by.is_(None), tokens.revoked_at.is_(None))
    spend = update(oauth_tokens).where(unspent).values(replaced_by=token_id)
    # Of two at the same time, the database lets one through; the other one comes too late.
    if verdict is Renewal.REUSED or connection.execute(spend).rowcount != 1:
        ended = end_family(connection, grant.family_id, now=now)
        return (Renewal.REUSED, grant) if ended else (Renewal.REFUSED, None)
    if not _is_member(connection, grant):
        return Renewal.REFUSED, None
    return Renewal.GRANTED, _insert_tokens(connection, grant, token_id=token_id, now=now)


def end_family(connection: Connection, family_id: str, *, now: int) -> int:
    """Revoke all tokens of a login, and return how many that were."""
    is_of_it = oauth_tokens.c.family_id == family_id
    # First wait for whoever renews one of them, so that the new one is seen, too.
    connection.execute(select(oauth_tokens.c.id).where(is_of_it).with_for_update()).all()
    is_alive = is_of_it, oauth_tokens.c.revoked_at.is_(None)
    return connection.execute(update(oauth_tokens).where(*is_alive).values(revoked_at=now)).rowcount


def grant_of(connection: Connection, token: str) -> Grant | None:
    """Return what an access or refresh token came of; ``None`` when its login has ended."""
    digest = hash_of(token)
    is_it = or_(oauth_tokens.c.access_hash == digest, oauth_tokens.c.refresh_hash == digest)
    is_alive = oauth_tokens.c.revoked_at.is_(None)
    row = connection.execute(select(oauth_tokens).where(is_it, is_alive)).one_or_none()
    return None if row is None else _grant(row)


def family_of(connection: Connection, token_id: str) -> str:
    """Return the family of a token that is there."""
    statement = select(oauth_tokens.c.family_id).where(oauth_tokens.c.id == token_id)
    return str(connection.scalars(statement).one())


def _insert_tokens(
    connection: Connection,
    grant: Grant,
    *,
    token_id: str,
    now: int,
    access_seconds: int = lifetimes.ACCESS_TOKEN,
    is_renewable: bool = True,
) -> IssuedTokens:
    access_token = new_secret(ACCESS_TOKEN)
    refresh_token = new_secret(REFRESH_TOKEN) if is_renewable else None
    expires_at = now + access_seconds * SECOND
    refresh_expires_at = now + lifetimes.REFRESH_TOKEN * SECOND
    connection.execute(
        insert(oauth_tokens).values(
            id=token_id,
            family_id=grant.family_id,
            user_id=grant.user_id,
            client_id=grant.client_id,
            organisation_id=grant.organisation_id,
            access_hash=hash_of(access_token),
            refresh_hash=None if refresh_token is None else hash_of(refresh_token),
            scopes=None if grant.scopes is None else list(grant.scopes),
            issued_at=now,
            access_expires_at=expires_at,
            refresh_expires_at=None if refresh_token is None else refresh_expires_at,
        )
    )
    return IssuedTokens(
        grant=grant, access_token=access_token, refresh_token=refresh_token, expires_at=expires_at
    )


def _is_member(connection: Connection, grant: Grant) -> bool:
    is_it = (
        memberships.c.user_id == grant.user_id,
        memberships.c.organisation_id == grant.organisation_id,
        users.c.is_disabled.is_(False),
    )
    found = select(users.c.id).join(memberships, memberships.c.user_id == users.c.id).where(*is_it)
    return connection.scalar(found) is not None


def _grant(row: Row[tuple[object, ...]]) -> Grant:
    return Grant(
        family_id=row.family_id,
        user_id=row.user_id,
        organisation_id=row.organisation_id,
        client_id=row.client_id,
        scopes=None if row.scopes is None else tuple(row.scopes),
    )


def _refresh_token(row: Row[tuple[object, ...]] | None) -> RefreshToken | None:
    if row is None:
        return None
    return RefreshToken(
        client_id=row.client_id,
        expires_at=row.refresh_expires_at,
        revoked_at=row.revoked_at,
        replaced_by=row.replaced_by,
    )
