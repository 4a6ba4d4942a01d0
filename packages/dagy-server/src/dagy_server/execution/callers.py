"""From the token of a worker to the caller; every use of it is a sign of life."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from dagy_server.callers import Caller, CallerKind
from dagy_server.database.schema import runs, work
from dagy_server.execution.queue import renew
from dagy_server.oauth.secrets import hash_of
from dagy_server.permissions import Permission
from dagy_server.services import Services
from dagy_types import Role
from dagy_types.errors import AuthError

_PERMISSIONS = frozenset({Permission.RUNS_READ, Permission.RUNS_WRITE, Permission.ARTIFACTS_READ})

_OF_TOKEN = (
    select(
        work.c.run_id,
        work.c.lease_ends_at,
        runs.c.organisation_id,
        runs.c.artifact_id,
        runs.c.created_by,
    )
    .join(runs, runs.c.id == work.c.run_id)
    .where(work.c.token_hash == bindparam("hashed"))
)


def worker_caller(services: Services, token: str) -> Caller:
    """Return the worker that has a token, and note that it is alive.

    Raises:
        AuthError: When no worker has it, or its run has been given to another one.
    """
    hashed = hash_of(token)
    with services.database.reading() as connection:
        row = connection.execute(_OF_TOKEN, {"hashed": hashed}).one_or_none()
    if row is None:
        raise AuthError(
            "The token is of no worker that has a run.", hint="Stop: the run goes on elsewhere."
        )
    _note_life(services, row.run_id, row.lease_ends_at, hashed)
    return Caller(
        kind=CallerKind.WORKER,
        organisation_id=row.organisation_id,
        user_id=row.created_by,
        role=Role.DEVELOPER,
        permissions=_PERMISSIONS,
        run_id=row.run_id,
        artifact_id=row.artifact_id,
    )


def _note_life(services: Services, run_id: str, lease_ends_at: int, hashed: str) -> None:
    now, lease = services.clock(), services.settings.lease
    if lease_ends_at - now < lease * 3 // 4:  # not for each request: each would be a write
        with services.database.writing() as connection:
            renew(connection, run_id, token_hash=hashed, now=now, lease=lease)
