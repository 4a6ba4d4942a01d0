"""The lines of a run's log, as they are added: each gets the next number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, update
from sqlalchemy.engine import Row

from dagy_server.clock import from_datetime
from dagy_server.database.schema import log_lines, runs
from dagy_server.errors import FieldFault, InvalidFieldsError
from dagy_server.flow_graph import FlowGraph
from dagy_types.errors import ConflictError

if TYPE_CHECKING:
    from dagy_server.logs import LogRecordBody

_INSERT = insert(log_lines)


def add_lines(
    connection: Connection,
    run: Row[Any],
    graph: FlowGraph,
    records: Sequence[LogRecordBody],
    *,
    where: str,
    first: int | None = None,
) -> int:
    """Add messages to the log of a run, and return how many it has then.

    Args:
        where: The place of the messages in the request.
        first: The number of the first one; what is there already is passed over. By default they
            come after what is there.

    Raises:
        ConflictError: When messages before the first one are missing.
        InvalidFieldsError: When one is of another run.
        NotFoundError: When one is of a task that the run does not have.
    """
    for index, record in enumerate(records):
        if record.run_id not in (None, run.id):
            fault = "it is not the run of the path"
            raise InvalidFieldsError([FieldFault(f"{where}.{index}.run_id", fault)])
    # Locks the run until the end of the transaction: nobody else takes the same numbers.
    mine = runs.c.id == run.id
    count: int = connection.execute(
        update(runs).where(mine).values(log_count=runs.c.log_count).returning(runs.c.log_count)
    ).scalar_one()
    if first is not None:
        if first > count + 1:
            raise ConflictError(
                f"Run {run.id!r} has {count} messages, so none can have the number {first}.",
                hint="Send those before it, too.",
            )
        records = records[count + 1 - first :]
    if not records:
        return count
    lines = [
        {
            "run_id": run.id,
            "number": number,
            "at": from_datetime(record.at),
            "level": record.level,
            "logger": record.logger,
            "message": record.message,
            "task_id": record.task_id,
            "flow_task_id": record.task_id and graph.find(run.id, record.task_id).task_id,
            "attempt": record.attempt,
        }
        for number, record in enumerate(records, count + 1)
    ]
    connection.execute(_INSERT, lines)
    count += len(lines)
    connection.execute(update(runs).where(mine).values(log_count=count))
    return count
