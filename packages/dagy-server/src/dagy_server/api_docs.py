"""The description of the API: for programs, and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from dagy_server.api_description import describe_security
from dagy_server.pages.rendering import render
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Document

router = Router("description")


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, as people read of it.

    Attributes:
        parameters: Of the path, the query and the headers: name and what it is for.
        fields: Of the body: name, and whether it must be there.
    """

    method: str
    path: str
    text: str
    permission: str
    parameters: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, bool], ...]


@route(
    router,
    "GET",
    "/openapi.json",
    needs=PUBLIC,
    operation="openapi",
    response=dict[str, Any],  # Any: JSON
    rate=Rate.NONE,
)
def openapi(call: Call) -> Document:
    """Return this description."""
    document: dict[str, Any] = call.request.app.openapi()
    describe_security(document)
    return document


@route(router, "GET", "/docs", needs=PUBLIC, operation="docs", rate=Rate.NONE, is_listed=False)
def docs(call: Call) -> Response:
    """Show this description to people."""
    groups: dict[str, list[Operation]] = {}
    for group, operation in operations_of(openapi(call)):
        groups.setdefault(group, []).append(operation)
    return render("reference", groups=groups)


def operations_of(document: Document) -> Iterator[tuple[str, Operation]]:
    """Yield each operation of an OpenAPI document, and the group that it is in."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield (
                operation["tags"][0],
                Operation(
                    method=method.upper(),
                    path=path,
                    text=operation.get("description", ""),
                    permission=operation.get("x-permission", ""),
                    parameters=tuple(
                        (each["name"], each.get("description", ""))
                        for each in operation.get("parameters", ())
                    ),
                    fields=tuple(_body_fields(document, operation)),
                ),
            )


def _body_fields(document: Document, operation: Document) -> Iterator[tuple[str, bool]]:
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    for media in content.values():
        reference = media.get("schema", {}).get("$ref", "")
        schema = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
        for name in schema.get("properties", {}):
            yield name, name in schema.get("required", ())
