"""Whether the server lives, and whether it can work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, insert, select, update

from dagy_server.clock import to_text
from dagy_server.database.schema import readiness
from dagy_server.rate_limits import Rate
from dagy_server.release import version
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.services import Services
from dagy_server.transactions import Answer, Call, Document
from dagy_types import HealthStatus
from dagy_types.errors import DagyError

router = Router("health")

_ROW = 1


class ComponentDocument(BaseModel):
    """How one part of the server is."""

    model_config = ConfigDict(extra="forbid")

    name: str
    status: HealthStatus
    message: str | None


class HealthDocument(BaseModel):
    """How the server is."""

    model_config = ConfigDict(extra="forbid")

    status: HealthStatus
    version: str
    components: list[ComponentDocument]
    timestamp: datetime


@route(
    router,
    "GET",
    "/health",
    needs=PUBLIC,
    operation="health",
    response=HealthDocument,
    rate=Rate.NONE,
)
def health(call: Call) -> Document:
    """Tell how the server and its parts are."""
    return _document(call.services, _read_database)


@route(
    router,
    "GET",
    "/ready",
    needs=PUBLIC,
    operation="ready",
    response=HealthDocument,
    responses={503: {"model": HealthDocument, "description": "It cannot work now"}},
)
def ready(call: Call) -> Answer:
    """Tell whether the server can work now, by a write to its database."""
    document = _document(call.services, _write_database)
    is_ready = document["status"] == HealthStatus.HEALTHY.value
    return Answer(document, 200 if is_ready else 503)


def _document(services: Services, probe_database: Callable[[Services], None]) -> Document:
    component = _component("database", services, probe_database)
    return {
        "status": component["status"],
        "version": version(),
        "components": [component],
        "timestamp": to_text(services.clock()),
    }


def _component(name: str, services: Services, probe: Callable[[Services], None]) -> Document:
    try:
        probe(services)
    except DagyError as error:
        return {"name": name, "status": HealthStatus.UNHEALTHY.value, "message": error.message}
    return {"name": name, "status": HealthStatus.HEALTHY.value, "message": None}


def _read_database(services: Services) -> None:
    with services.database.reading() as connection:
        connection.execute(select(readiness.c.at)).first()


def _write_database(services: Services) -> None:
    with services.database.writing() as connection:
        _write(connection, services.clock())


def _write(connection: Connection, now: int) -> None:
    if connection.execute(update(readiness).values(at=now)).rowcount == 0:
        connection.execute(insert(readiness).values(id=_ROW, at=now))
