"""The routes of the authorization server that programs use."""

from __future__ import annotations

from dagy_server.oauth import device_routes, discovery, revocation, token_routes
from dagy_server.routing import Router

router = Router(
    "oauth",
    [
        *discovery.router.declarations,
        *token_routes.router.declarations,
        *device_routes.router.declarations,
        *revocation.router.declarations,
    ],
)
