"""From the ``Authorization`` header to the caller."""

from __future__ import annotations

import hmac

from sqlalchemy import bindparam, select, update

from dagy_server.callers import Caller, CallerKind
from dagy_server.clock import MINUTE
from dagy_server.database.schema import api_keys, memberships, oauth_tokens, users
from dagy_server.execution.callers import worker_caller
from dagy_server.external_callers import external_caller
from dagy_server.key_tokens import PREFIX as API_KEY
from dagy_server.key_tokens import is_whole, key_hash
from dagy_server.oauth.secrets import ACCESS_TOKEN, WORKER, hash_of
from dagy_server.permissions import allowed
from dagy_server.services import Services
from dagy_types import Role
from dagy_types.errors import AuthError, NotLoggedInError, StoreError, TokenExpiredError

_LONGEST_TOKEN = 16 * 1024

# Whole statements, as every request executes one: put together anew, each would be analysed anew.
_OF_API_KEY = (
    select(
        api_keys.c.id,
        api_keys.c.organisation_id,
        api_keys.c.key_hash,
        api_keys.c.scopes,
        api_keys.c.created_by,
        api_keys.c.expires_at,
        api_keys.c.revoked_at,
        api_keys.c.last_used_at,
        memberships.c.role,
    )
    .join(users, users.c.id == api_keys.c.created_by)
    .join(
        memberships,
        (memberships.c.user_id == api_keys.c.created_by)
        & (memberships.c.organisation_id == api_keys.c.organisation_id),
    )
    .where(~users.c.is_disabled, api_keys.c.key_hash == bindparam("hashed"))
)

_OF_ACCESS_TOKEN = (
    select(
        oauth_tokens.c.id,
        oauth_tokens.c.organisation_id,
        oauth_tokens.c.user_id,
        oauth_tokens.c.scopes,
        oauth_tokens.c.access_expires_at,
        oauth_tokens.c.revoked_at,
        memberships.c.role,
    )
    .join(users, users.c.id == oauth_tokens.c.user_id)
    .join(
        memberships,
        (memberships.c.user_id == oauth_tokens.c.user_id)
        & (memberships.c.organisation_id == oauth_tokens.c.organisation_id),
    )
    .where(~users.c.is_disabled, oauth_tokens.c.access_hash == bindparam("hashed"))
)


def authenticate(services: Services, authorization: str | None) -> Caller:
    """Return who sends a header.

    Raises:
        AuthError: When nobody does, or the token is not good, or no longer.
    """
    token = _bearer(authorization)
    if token.startswith(API_KEY):
        return _by_api_key(services, token)
    if token.startswith(ACCESS_TOKEN):
        return _by_access_token(services, token)
    if token.startswith(WORKER):
        return worker_caller(services, token)
    caller = external_caller(services, token)
    if caller is None:
        raise _refused()
    return caller


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise NotLoggedInError(
            "This needs a login.", hint="Send Authorization: Bearer and an API key or a token."
        )
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        raise _refused()
    return token


def _by_api_key(services: Services, key: str) -> Caller:
    if not is_whole(key):
        raise _refused()
    hashed = key_hash(key, services.secret)
    with services.database.reading() as connection:
        row = connection.execute(_OF_API_KEY, {"hashed": hashed}).one_or_none()
    if row is None or not hmac.compare_digest(row.key_hash, hashed) or row.revoked_at is not None:
        raise _refused()
    now = services.clock()
    if row.expires_at is not None and row.expires_at <= now:
        raise TokenExpiredError("The API key has expired.", hint="Make a new one.")
    if row.last_used_at is None or now - row.last_used_at >= MINUTE:
        _note_use(services, row.id, now)
    role = Role.of(row.role)
    return Caller(
        kind=CallerKind.API_KEY,
        organisation_id=row.organisation_id,
        user_id=row.created_by,
        api_key_id=row.id,
        role=role,
        permissions=allowed(role, tuple(row.scopes)),
    )


def _by_access_token(services: Services, token: str) -> Caller:
    hashed = hash_of(token)
    with services.database.reading() as connection:
        row = connection.execute(_OF_ACCESS_TOKEN, {"hashed": hashed}).one_or_none()
    if row is None or row.revoked_at is not None:
        raise _refused()
    if row.access_expires_at <= services.clock():
        raise TokenExpiredError("The token has expired.", hint="Log in again, or refresh it.")
    role = Role.of(row.role)
    return Caller(
        kind=CallerKind.ACCESS_TOKEN,
        organisation_id=row.organisation_id,
        user_id=row.user_id,
        token_id=row.id,
        role=role,
        permissions=allowed(role, None if row.scopes is None else tuple(row.scopes)),
    )


def _note_use(services: Services, key_id: str, now: int) -> None:
    # Once a minute is enough to know, and spares a write for each request.
    statement = update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now)
    try:
        with services.database.writing() as connection:
            connection.execute(statement)
    except StoreError:
        return  # no reason to refuse who has a good key


def _refused() -> AuthError:
    return AuthError("The token is not good here.", hint="Log in again, or use another API key.")
