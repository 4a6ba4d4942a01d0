"""The end of a login before its time (RFC 7009)."""

from __future__ import annotations

from starlette.responses import Response

from dagy_server.documents import DocumentModel, oauth_error_responses
from dagy_server.oauth.client_requests import for_client, form_request, required
from dagy_server.oauth.clients import PublicClient
from dagy_server.oauth.forms import CONTENT_TYPE, Form
from dagy_server.oauth.tokens import end_family, grant_of
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Change, json_response

router = Router("oauth")


class NothingDocument(DocumentModel):
    """There is nothing to say."""


@route(
    router,
    "POST",
    "/oauth/revoke",
    needs=PUBLIC,
    operation="oauth_revoke",
    audit="token.revoked",
    accepts=CONTENT_TYPE,
    response=NothingDocument,
    openapi=form_request("token", token_type_hint={}),
    responses=oauth_error_responses(),
    rate=Rate.TOKEN,
)
@for_client
def revoke(call: Call, client: PublicClient, form: Form) -> Response:
    """End the login that a token belongs to; one that is unknown has ended already."""
    token = required(form, "token")
    with call.view() as view:
        grant = grant_of(view.connection, token)
    if grant is None or grant.client_id != client.client_id:
        return json_response({})

    def work(change: Change) -> Response:
        end_family(change.connection, grant.family_id, now=change.now)
        change.audit(
            grant.family_id,
            actor=grant.user_id,
            organisation_id=grant.organisation_id,
            details={"client_id": grant.client_id},
        )
        return json_response({})

    return call.change(work)
