"""The published way to log in and out: an e-mail, a password, and one token for a day."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from dagy_server.accounts.emails import LONGEST_EMAIL
from dagy_server.accounts.passwords import LONGEST_PASSWORD
from dagy_server.accounts.sign_in import find_by_password
from dagy_server.accounts.users import organisations_of
from dagy_server.callers import CallerKind
from dagy_server.clock import SECOND
from dagy_server.documents import error_responses
from dagy_server.field_types import Id, RequestModel
from dagy_server.ids import new_id
from dagy_server.oauth.tokens import Grant, IssuedTokens, end_family, family_of, issue_tokens
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, SIGNED_IN, Router, route
from dagy_server.transactions import Call, Change, Document
from dagy_types.errors import AuthError, ConflictError, PermissionDeniedError

router = Router("auth")

CLIENT_ID = "password"
"""What stands for the program in tokens that were asked for without one."""


class Credentials(RequestModel):
    """Who logs in."""

    email: Annotated[str, StringConstraints(max_length=LONGEST_EMAIL)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD)]
    org_id: Id | None = None


class AccessToken(BaseModel):
    """A token, which is shown once."""

    access_token: str
    token_type: str
    expires_in: int
    expires_at: int


@route(
    router,
    "POST",
    "/auth/login",
    needs=PUBLIC,
    operation="login",
    audit="user.logged_in",
    response=AccessToken,
    responses=error_responses(401, 403),
    rate=Rate.LOGIN,
    has_secret=True,
)
def login(call: Call, body: Credentials) -> Response:
    """Give a token for an e-mail and a password."""
    user = find_by_password(call.services, body.email, body.password)
    if user is None:
        raise AuthError("The e-mail or the password is wrong.", hint="Check both, and try again.")

    def work(change: Change) -> Document:
        known = [each.id for each in organisations_of(change.connection, user.id)]
        organisation_id = body.org_id or next(iter(known), None)
        if organisation_id is None or organisation_id not in known:
            raise PermissionDeniedError(
                "You are no member of that organisation.", hint="Ask an owner of it to add you."
            )
        grant = Grant(
            family_id=new_id("fam"),
            user_id=user.id,
            organisation_id=organisation_id,
            client_id=CLIENT_ID,
            scopes=None,
        )
        tokens = _issue(change, grant)
        change.audit(user.id, actor=user.id, organisation_id=organisation_id)
        return {
            "access_token": tokens.access_token,
            "token_type": "Bearer",
            "expires_in": change.services.settings.access_token_ttl_seconds,
            "expires_at": tokens.expires_at // SECOND,
        }

    return call.change(work)


@route(
    router,
    "POST",
    "/auth/logout",
    needs=SIGNED_IN,
    operation="logout",
    audit="user.logged_out",
    status=204,
)
def logout(change: Change) -> None:
    """End the login that the token of the request belongs to."""
    caller = change.caller
    if caller.kind is not CallerKind.ACCESS_TOKEN or caller.token_id is None:
        raise ConflictError(
            "Only a token that this server gave for a login can log out.",
            hint="Delete an API key with DELETE /api-keys/KEY_ID; log out at your provider.",
        )
    end_family(change.connection, family_of(change.connection, caller.token_id), now=change.now)
    change.audit(caller.user_id)


def _issue(change: Change, grant: Grant) -> IssuedTokens:
    seconds = change.services.settings.access_token_ttl_seconds
    tokens = issue_tokens(
        change.connection, grant, now=change.now, access_seconds=seconds, is_renewable=False
    )
    if tokens is None:
        raise AuthError("The account was disabled just now.", hint="Ask an owner.")
    return tokens
