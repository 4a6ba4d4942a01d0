"""Where a device without a browser begins its login (RFC 8628 §3.1)."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from dagy_server.documents import DocumentModel, oauth_error_responses
from dagy_server.oauth import lifetimes
from dagy_server.oauth.client_requests import asked_scopes, for_client, form_request
from dagy_server.oauth.clients import PublicClient
from dagy_server.oauth.device_codes import start_device_login
from dagy_server.oauth.forms import CONTENT_TYPE, Form
from dagy_server.oauth.origin import request_origin
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Change, json_response

router = Router("oauth")


class DeviceLoginDocument(DocumentModel):
    """The codes of a new login (RFC 8628 §3.2)."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


@route(
    router,
    "POST",
    "/oauth/device_authorization",
    needs=PUBLIC,
    operation="oauth_device_authorization",
    audit="device_login.started",
    accepts=CONTENT_TYPE,
    response=DeviceLoginDocument,
    openapi=form_request(scope={}),
    responses=oauth_error_responses(),
    rate=Rate.TOKEN,
    has_secret=True,
)
@for_client
def device_authorization(call: Call, client: PublicClient, form: Form) -> Response:
    """Give a device the codes of a new login."""
    scopes = asked_scopes(form)
    page = f"{request_origin(call.request, call.services.settings)}/device"

    def work(change: Change) -> Response:
        codes = start_device_login(change.connection, client, scopes=scopes, now=change.now)
        change.audit(client.client_id)
        return json_response(
            {
                "device_code": codes.device_code,
                "user_code": codes.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?{urlencode({'user_code': codes.user_code})}",
                "expires_in": lifetimes.DEVICE_CODE,
                "interval": lifetimes.POLL_INTERVAL,
            }
        )

    return call.change(work)
