"""What programs are told of this server before a login (RFC 8414)."""

from __future__ import annotations

from dagy_server.oauth.client_requests import KNOWN_SCOPES
from dagy_server.oauth.origin import request_origin
from dagy_server.oauth.pkce import METHOD
from dagy_server.oauth.polling import GRANT_TYPE as DEVICE_GRANT
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Document

router = Router("oauth")

PATH = "/.well-known/oauth-authorization-server"


@route(
    router,
    "GET",
    PATH,
    needs=PUBLIC,
    operation="oauth_metadata",
    response=dict[str, str | bool | list[str]],
)
def metadata(call: Call) -> Document:
    """Tell where programs log people in."""
    return metadata_document(request_origin(call.request, call.services.settings))


def metadata_document(origin: str) -> Document:
    """Return the document of the server at an origin."""
    return {
        "issuer": origin,
        "authorization_endpoint": f"{origin}/oauth/authorize",
        "token_endpoint": f"{origin}/oauth/token",
        "device_authorization_endpoint": f"{origin}/oauth/device_authorization",
        "revocation_endpoint": f"{origin}/oauth/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
        "code_challenge_methods_supported": [METHOD],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": list(KNOWN_SCOPES),
    }
