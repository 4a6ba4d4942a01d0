"""What can be asked of a list of runs, by whoever keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dagy_types._records import Run
from dagy_types._status import RunStatus, _Name
from dagy_types.errors import NotFoundError


class RunOrder(_Name):
    """What a list of runs is sorted by, the other way round after a minus; then by id, likewise.

    A list that is sorted by start has only runs that have started.
    """

    CREATED = "created"
    CREATED_DESCENDING = "-created"
    STARTED = "started"
    STARTED_DESCENDING = "-started"

    @property
    def field(self) -> str:
        """The field of a `Run` that counts."""
        return f"{self.value.removeprefix('-')}_at"

    @property
    def is_descending(self) -> bool:
        """Whether the latest come first."""
        return self.value.startswith("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs a list has, and in which order; unless told otherwise, all and the newest first.

    Attributes:
        since: Only those created then or later.
        id_prefix: Only those whose id begins like this.
        after: Only those behind the run with this id.
    """

    status: RunStatus | None = None
    flow_name: str | None = None
    since: datetime | None = None
    id_prefix: str = ""
    order: RunOrder = RunOrder.CREATED_DESCENDING
    after: str | None = None


def select_runs(query: RunQuery, runs: Iterable[Run]) -> list[Run]:
    """Return those of the runs that a query asks for, in its order.

    Raises:
        NotFoundError: When none of the runs is that which the list is to go on after.
    """
    field = query.order.field
    with_place = (run for run in runs if getattr(run, field) is not None)
    listed = sorted(
        (run for run in with_place if _fits(query, run) or run.run_id == query.after),
        key=lambda run: (getattr(run, field), run.run_id),
        reverse=query.order.is_descending,
    )
    if query.after is None:
        return listed
    ids = [run.run_id for run in listed]
    if query.after not in ids:
        raise no_place_after(query.after)
    return listed[ids.index(query.after) + 1 :]


def no_place_after(run_id: str) -> NotFoundError:
    """Return the error for a list that is to go on after a run which it cannot have."""
    return NotFoundError(
        f"The list cannot go on after run {run_id!r}: it has no such run.",
        hint="Begin with the first one, without a cursor.",
    )


def _fits(query: RunQuery, run: Run) -> bool:
    return (
        query.status in (None, run.status)
        and query.flow_name in (None, run.flow_name)
        and (query.since is None or run.created_at >= query.since)
        and run.run_id.startswith(query.id_prefix)
    )
