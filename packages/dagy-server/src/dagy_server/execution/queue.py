"""The queue of runs that wait for a worker, and who has which of them for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, or_, select, update

from dagy_server import audit
from dagy_server.database.schema import artifacts, runs, task_runs, work
from dagy_server.oauth.secrets import WORKER, hash_of, new_secret
from dagy_server.run_rows import UNDER_WAY
from dagy_types import FailureReason, RunStatus, TaskStatus

MOST_CLAIMS = 3
"""How many workers may take up one run: a flow that takes its machine down is not for ever."""

LOST_MESSAGE = "The worker that ran it ended without recording an end."

_INSERT = insert(work)

# What a new worker of a server could have: what others have begun to record is out of its reach.
_IS_WAITING = work.c.token_hash.is_(None) & or_(
    work.c.server.is_(None), work.c.server == bindparam("server")
)

_NEXT = (
    select(
        runs.c.id,
        runs.c.organisation_id,
        runs.c.artifact_id,
        runs.c.parameters,
        runs.c.resumed_from,
        work.c.claims,
        artifacts.c.sha256,
    )
    .join(runs, runs.c.id == work.c.run_id)
    .join(artifacts, artifacts.c.id == runs.c.artifact_id)
    .where(_IS_WAITING)
    .order_by(work.c.queued_at, work.c.run_id)
    .limit(1)
    .with_for_update(of=work, skip_locked=True)
)

_COUNT_CLAIMED = (
    select(func.count())
    .select_from(work)
    .where(work.c.server == bindparam("server"), work.c.token_hash.is_not(None))
)

_HAS_WAITING = select(exists().where(_IS_WAITING))

_LATE = select(work.c.run_id).where(work.c.lease_ends_at <= bindparam("now"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run that one worker has now.

    Attributes:
        token: What the worker is known by; nobody else has it, and no later worker of the run.
        number: Of how many workers of the run it is, from 1.
    """

    run_id: str
    organisation_id: str
    artifact_id: str
    sha256: str
    parameters: dict[str, object]
    resumed_from: str | None
    number: int
    token: str = field(repr=False)


def enqueue(connection: Connection, run_id: str, *, now: int) -> None:
    """Let a worker take a run."""
    connection.execute(_INSERT, {"run_id": run_id, "queued_at": now, "claims": 0})


def withdraw(connection: Connection, run_id: str) -> None:
    """Take a run out of the queue that has ended; a worker that has it learns of that itself."""
    connection.execute(delete(work).where(work.c.run_id == run_id, work.c.token_hash.is_(None)))


def claim_next(connection: Connection, *, server: str, now: int, lease: int) -> Claim | None:
    """Give the run that has waited longest to a new worker of a server.

    Args:
        server: Its id; what other servers have begun to record is out of its reach.
        lease: For how long, in microseconds, unless the worker gives a sign of life.
    """
    row = connection.execute(_NEXT, {"server": server}).one_or_none()
    if row is None:
        return None
    token = new_secret(WORKER)
    connection.execute(
        update(work)
        .where(work.c.run_id == row.id)
        .values(
            claims=row.claims + 1,
            server=server,
            token_hash=hash_of(token),
            lease_ends_at=now + lease,
        )
    )
    return Claim(
        run_id=row.id,
        organisation_id=row.organisation_id,
        artifact_id=row.artifact_id,
        sha256=row.sha256,
        parameters=row.parameters,
        resumed_from=row.resumed_from,
        number=row.claims + 1,
        token=token,
    )


def line_of(connection: Connection, claim: Claim) -> tuple[str, ...]:
    """Return the run of a claim, the one that it retries, the one that this retries, and so on."""
    line, before = [claim.run_id], claim.resumed_from
    while before is not None:
        line.append(before)
        statement = select(runs.c.resumed_from).where(runs.c.id == before)
        before = connection.execute(statement).scalar()
    return tuple(line)


def renew(connection: Connection, run_id: str, *, token_hash: str, now: int, lease: int) -> None:
    """Note that a worker is alive."""
    mine = (work.c.run_id == run_id) & (work.c.token_hash == token_hash)
    connection.execute(update(work).where(mine).values(lease_ends_at=now + lease))


def renew_all(connection: Connection, *, server: str, now: int, lease: int) -> None:
    """Give the workers of a server that was away the time to say that they are alive."""
    late = (work.c.server == server) & (work.c.lease_ends_at < now + lease)
    connection.execute(update(work).where(late).values(lease_ends_at=now + lease))


def late_runs(connection: Connection, *, now: int) -> Sequence[str]:
    """Return the runs whose workers have given no sign of life for too long."""
    return connection.execute(_LATE, {"now": now}).scalars().all()


def count_claimed(connection: Connection, server: str) -> int:
    """Return how many runs have a worker of a server."""
    return int(connection.execute(_COUNT_CLAIMED, {"server": server}).scalar_one())


def has_waiting(connection: Connection, server: str) -> bool:
    """Whether there is a run that a new worker of a server could have."""
    return bool(connection.execute(_HAS_WAITING, {"server": server}).scalar())


def lose_worker(
    connection: Connection, run_id: str, *, server: str, now: int, token: str | None = None
) -> None:
    """Note that the worker of a run is gone; its token is of no use from here on.

    Another one may go on, unless the run has ended, has lost too many workers, or is recorded on
    the disk of another server: such a run ends as crashed.

    Args:
        token: Of the worker, if it is known which one it was: a later one keeps the run.
    """
    row = connection.execute(
        select(
            runs.c.status,
            runs.c.organisation_id,
            work.c.claims,
            work.c.server,
            work.c.token_hash,
            work.c.lease_ends_at,
        )
        .join(runs, runs.c.id == work.c.run_id)
        .where(work.c.run_id == run_id)
        .with_for_update()
    ).one_or_none()
    if row is None or row.token_hash is None:
        return
    is_gone = row.token_hash == hash_of(token) if token else row.lease_ends_at <= now
    if not is_gone:
        return
    if row.status not in UNDER_WAY:
        connection.execute(delete(work).where(work.c.run_id == run_id))
        return
    details = {"workers": row.claims}
    if row.claims < MOST_CLAIMS and row.server == server:
        connection.execute(
            update(work)
            .where(work.c.run_id == run_id)
            .values(token_hash=None, lease_ends_at=None, queued_at=now)
        )
        action = "run.worker_lost"
    else:
        _end_as_crashed(connection, run_id, now)
        action = "run.crashed"
    audit.record(
        connection,
        at=now,
        organisation_id=row.organisation_id,
        actor=audit.SERVER,
        action=action,
        target=run_id,
        request_id="",
        details=details,
    )


def _end_as_crashed(connection: Connection, run_id: str, now: int) -> None:
    connection.execute(delete(work).where(work.c.run_id == run_id))
    connection.execute(
        update(runs)
        .where(runs.c.id == run_id)
        .values(
            status=RunStatus.FAILED.value,
            reason=FailureReason.CRASHED.value,
            error=LOST_MESSAGE,
            ended_at=now,
        )
    )
    connection.execute(
        update(task_runs)
        .where(task_runs.c.run_id == run_id, task_runs.c.status == TaskStatus.RUNNING.value)
        .values(status=TaskStatus.FAILED.value, error=LOST_MESSAGE, ended_at=now)
    )
