"""What ``/openapi.json`` says of every route beyond what its parameters tell FastAPI."""

from __future__ import annotations

import re
from typing import Any

from dagy_server.documents import error_responses, required_headers
from dagy_server.idempotency import HEADER
from dagy_server.limits import IDEMPOTENCY_KEY_CHARACTERS
from dagy_server.permissions import Permission
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Declaration

BEARER = "bearer"

_HAS_PARAMETER = re.compile(r"\{\w+\}")


def described(declaration: Declaration) -> dict[str, Any]:
    """Return the ``responses`` and ``openapi_extra`` of a route."""
    extra: dict[str, Any] = dict(declaration.openapi or {})
    if declaration.needs is not PUBLIC:
        extra["security"] = [{BEARER: []}]
        if declaration.audit is not None:
            extra["parameters"] = [*extra.get("parameters", []), _IDEMPOTENCY_KEY]
    if isinstance(declaration.needs, Permission):
        extra["x-permission"] = declaration.needs.value
    responses = {**error_responses(*_errors(declaration)), **declaration.responses}
    responses.setdefault(declaration.status, {})
    responses = {
        status: {**each, "headers": {**_EVERY_ANSWER, **each.get("headers", {})}}
        for status, each in responses.items()
    }
    if declaration.rate is not Rate.NONE:
        for status in (declaration.status, 403, 429):
            if status in responses:
                responses[status]["headers"].update(_OF_RATES)
    return {"responses": responses, "openapi_extra": extra}


def describe_security(document: dict[str, Any]) -> None:
    """Add how one shows who one is."""
    document.setdefault("components", {})["securitySchemes"] = {
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (dagy_sk_…) or an access token (dagy_at_…).",
        }
    }


def _errors(declaration: Declaration) -> set[int]:
    statuses = {400, 421, 422, 431, 503}
    if declaration.needs is not PUBLIC:
        statuses |= {401}
    if isinstance(declaration.needs, Permission):
        statuses |= {403}
    if _HAS_PARAMETER.search(declaration.path):
        statuses |= {404}
    if declaration.audit is not None:
        statuses |= {409, 413, 415}
    if declaration.rate is not Rate.NONE:
        statuses |= {429}
    return statuses


_EVERY_ANSWER = required_headers("X-Request-ID", "Dagy-API-Level")

_OF_RATES = {
    name: {"required": True, "schema": {"type": "integer", "minimum": 0}}
    for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining")
}

_IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key with the same request is done once; the answer is given again.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": IDEMPOTENCY_KEY_CHARACTERS,
        "pattern": "^[!-~]+$",
    },
}
