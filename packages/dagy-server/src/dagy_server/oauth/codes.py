"""Authorization codes: good for a minute, once, for whoever has asked for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, delete, insert, select, update

from dagy_server.clock import DAY, SECOND
from dagy_server.database.schema import oauth_codes
from dagy_server.ids import new_id
from dagy_server.oauth.authorization_request import AuthorizationRequest
from dagy_server.oauth.lifetimes import CODE
from dagy_server.oauth.pkce import proves
from dagy_server.oauth.secrets import AUTHORIZATION_CODE, hash_of, new_secret
from dagy_server.oauth.tokens import Grant, end_family


class Verdict(Enum):
    """What becomes of a code, as the audit log has it; an unknown one changes nothing."""

    GRANTED = "code.redeemed"
    REUSED = "code.reused"
    SPENT = "code.refused"
    UNKNOWN = "code.unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """What a program sends to get tokens for a code."""

    code: str
    client_id: str
    redirect_uri: str
    code_verifier: str


def issue_code(
    connection: Connection,
    request: AuthorizationRequest,
    *,
    user_id: str,
    organisation_id: str,
    now: int,
) -> str:
    """Return a code for what somebody has allowed."""
    code = new_secret(AUTHORIZATION_CODE)
    connection.execute(delete(oauth_codes).where(oauth_codes.c.expires_at < now - DAY))
    connection.execute(
        insert(oauth_codes).values(
            hash=hash_of(code),
            client_id=request.client.client_id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            user_id=user_id,
            organisation_id=organisation_id,
            scopes=None if request.scopes is None else list(request.scopes),
            family_id=new_id("fam"),
            created_at=now,
            expires_at=now + CODE * SECOND,
        )
    )
    return code


def redeem_code(
    connection: Connection, redemption: Redemption, *, now: int
) -> tuple[Verdict, Grant | None]:
    """Return what becomes of a code, and what it came of, which it grants only if that is said.

    A code that comes a second time was stolen, either now or before: what it was exchanged for
    ends (RFC 6749 §4.1.2). One that comes with a wrong proof is spent.
    """
    codes = oauth_codes.c
    digest = hash_of(redemption.code)
    row = connection.execute(select(oauth_codes).where(codes.hash == digest)).one_or_none()
    if row is None or row.client_id != redemption.client_id:
        return Verdict.UNKNOWN, None
    grant = Grant(
        family_id=row.family_id,
        user_id=row.user_id,
        organisation_id=row.organisation_id,
        client_id=row.client_id,
        scopes=None if row.scopes is None else tuple(row.scopes),
    )
    unused = update(oauth_codes).where(codes.hash == digest, codes.used_at.is_(None))
    if connection.execute(unused.values(used_at=now)).rowcount != 1:
        ended = end_family(connection, grant.family_id, now=now)
        return Verdict.REUSED if ended else Verdict.UNKNOWN, grant
    is_good = row.expires_at > now and row.redirect_uri == redemption.redirect_uri
    if not is_good or not proves(redemption.code_verifier, challenge=row.code_challenge):
        return Verdict.SPENT, grant
    return Verdict.GRANTED, grant
