"""The endpoint that gives tokens: for a code, for a device's login, for a refresh token."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import Response

from dagy_server.clock import SECOND
from dagy_server.documents import DocumentModel, oauth_error_responses
from dagy_server.oauth.client_requests import for_client, form_request, required
from dagy_server.oauth.clients import PublicClient
from dagy_server.oauth.codes import Redemption, Verdict, redeem_code
from dagy_server.oauth.device_codes import poll_device_login, redeem_device_login
from dagy_server.oauth.forms import CONTENT_TYPE, Form
from dagy_server.oauth.polling import GRANT_TYPE as DEVICE_GRANT
from dagy_server.oauth.polling import Poll
from dagy_server.oauth.refusals import OAuthRefusal
from dagy_server.oauth.renewal import Renewal
from dagy_server.oauth.tokens import Grant, IssuedTokens, issue_tokens, renew_tokens
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Change, Document, json_response

router = Router("oauth")

_POLLS = {
    Poll.PENDING: "Nobody has entered the code yet.",
    Poll.SLOW_DOWN: "Ask less often.",
    Poll.DENIED: "The login was denied.",
    Poll.EXPIRED: "The code was not entered in time.",
    Poll.INVALID: "The device code is not valid.",
}


class TokensDocument(DocumentModel):
    """What a program is told of its tokens (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str = ""
    scope: str = ""


@route(
    router,
    "POST",
    "/oauth/token",
    needs=PUBLIC,
    operation="oauth_token",
    audit="token.issued",
    accepts=CONTENT_TYPE,
    response=TokensDocument,
    openapi=form_request(
        "grant_type",
        grant_type={"enum": ["authorization_code", DEVICE_GRANT, "refresh_token"]},
        code={},
        redirect_uri={},
        code_verifier={},
        device_code={},
        refresh_token={},
    ),
    responses=oauth_error_responses(),
    rate=Rate.TOKEN,
    has_secret=True,
)
@for_client
def token(call: Call, client: PublicClient, form: Form) -> Response:
    """Give tokens to a program."""
    give = _GRANTS.get(required(form, "grant_type"))
    if give is None:
        raise OAuthRefusal("unsupported_grant_type", "This server does not know that grant_type.")
    return give(call, client, form)


def _for_code(call: Call, client: PublicClient, form: Form) -> Response:
    redemption = Redemption(
        code=required(form, "code"),
        client_id=client.client_id,
        redirect_uri=required(form, "redirect_uri"),
        code_verifier=required(form, "code_verifier"),
    )
    refusal = OAuthRefusal("invalid_grant", "The code is not valid, or not any more.")

    def work(change: Change) -> Response:
        verdict, grant = redeem_code(change.connection, redemption, now=change.now)
        if grant is None or verdict is Verdict.UNKNOWN:
            raise refusal
        if verdict is Verdict.GRANTED:
            return _issue(change, grant, by="authorization_code")
        _audit(change, grant, action=verdict.value)
        return refusal.response()

    return call.change(work)


def _for_device(call: Call, client: PublicClient, form: Form) -> Response:
    device_code = required(form, "device_code")
    with call.services.database.writing() as connection:
        poll = poll_device_login(
            connection, device_code, client_id=client.client_id, now=call.services.clock()
        )
    if poll is not Poll.GRANTED:
        raise OAuthRefusal(poll.value, _POLLS[poll])

    def work(change: Change) -> Response:
        grant = redeem_device_login(
            change.connection, device_code, client_id=client.client_id, now=change.now
        )
        if grant is None:
            raise OAuthRefusal(Poll.INVALID.value, _POLLS[Poll.INVALID])
        return _issue(change, grant, by="device_code")

    return call.change(work)


def _for_refresh_token(call: Call, client: PublicClient, form: Form) -> Response:
    refresh_token = required(form, "refresh_token")
    refusal = OAuthRefusal("invalid_grant", "The refresh token is not valid, or not any more.")

    def work(change: Change) -> Response:
        verdict, outcome = renew_tokens(
            change.connection, refresh_token, client_id=client.client_id, now=change.now
        )
        if isinstance(outcome, IssuedTokens):
            _audit(change, outcome.grant, action="token.renewed")
            return json_response(tokens_document(outcome, now=change.now))
        if verdict is Renewal.REUSED and outcome is not None:
            _audit(change, outcome, action="token.reused")
            return refusal.response()
        raise refusal

    return call.change(work)


_GRANTS: Mapping[str, Callable[[Call, PublicClient, Form], Response]] = {
    "authorization_code": _for_code,
    DEVICE_GRANT: _for_device,
    "refresh_token": _for_refresh_token,
}


def _issue(change: Change, grant: Grant, *, by: str) -> Response:
    tokens = issue_tokens(change.connection, grant, now=change.now)
    if tokens is None:
        raise OAuthRefusal("invalid_grant", "Whoever has allowed this is no member any more.")
    _audit(change, grant, action="token.issued", by=by)
    return json_response(tokens_document(tokens, now=change.now))


def _audit(change: Change, grant: Grant, *, action: str, **details: str) -> None:
    change.audit(
        grant.family_id,
        action=action,
        actor=grant.user_id,
        organisation_id=grant.organisation_id,
        details={"client_id": grant.client_id, **details},
    )


def tokens_document(tokens: IssuedTokens, *, now: int) -> Document:
    """Return what a program is told of its tokens (RFC 6749 §5.1)."""
    document: dict[str, str | int] = {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": (tokens.expires_at - now) // SECOND,
    }
    if tokens.refresh_token is not None:
        document["refresh_token"] = tokens.refresh_token
    if tokens.grant.scopes is not None:
        document["scope"] = " ".join(tokens.grant.scopes)
    return document
