"""What tasks returned: in their row or in a file, made by themselves or reused."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from dagy_store._database import Database
from dagy_store._output_file import read_output_file
from dagy_store._rows import BEGINNING_OF_TIME, to_microseconds, to_text
from dagy_types import Origin, Output, ReuseReason
from dagy_types.errors import ArtifactError

OUTPUTS_OF_A_PAGE = 64  # of up to 8 KiB each, when they are in rows

OUTPUTS = """
SELECT
    asked.task_id AS asked_for, made.run_id, made.task_id,
    made.serializer, made.output_bytes, made.output
FROM task_runs AS asked LEFT JOIN task_runs AS made
    ON made.run_id = ifnull(asked.origin_run_id, asked.run_id)
    AND made.task_id = ifnull(asked.origin_task_id, asked.task_id)
WHERE asked.run_id = ? AND asked.task_id IN (:page)
""".replace(":page", ", ".join("?" * OUTPUTS_OF_A_PAGE))

NEWEST_CACHED = """
SELECT made.run_id, made.task_id, made.serializer, made.output_bytes, made.output
FROM cache JOIN task_runs AS made
    ON made.run_id = cache.run_id AND made.task_id = cache.task_id
WHERE key = ? AND recorded_at >= ?
ORDER BY recorded_at DESC, cache.run_id DESC, cache.task_id DESC LIMIT 1
"""


def read(
    database: Database, artifacts: Path, run_id: str, task_ids: Collection[str]
) -> Iterator[tuple[str, Output]]:
    """Yield the outputs of these tasks of a run, where there is one, and read them in pages.

    Args:
        artifacts: The directory with those that are too large for a row.

    Raises:
        ArtifactError: When one has been changed or removed.
    """
    asked = iter(task_ids)
    while page := {to_text(task_id): task_id for task_id in islice(asked, OUTPUTS_OF_A_PAGE)}:
        # Always as many as there are places in the query: it is prepared once.
        padding = [None] * (OUTPUTS_OF_A_PAGE - len(page))
        rows = {row["asked_for"]: row for row in database.rows(OUTPUTS, (run_id, *page, *padding))}
        for text, task_id in page.items():
            row = rows.get(text)
            if row is None:
                continue
            if row["run_id"] is None:
                raise ArtifactError(
                    f"The output that task {task_id!r} of run {run_id!r} reuses is gone.",
                    hint="The run that made it was removed. Run the flow again.",
                )
            if row["output_bytes"] is not None:
                yield task_id, _to_output(artifacts, row)


def find_cached(
    database: Database, artifacts: Path, key: str, *, since: datetime | None
) -> tuple[Origin, Output] | None:
    """Return the newest output recorded under a cache key, and whose it is.

    Raises:
        ArtifactError: When it has been changed or removed.
    """
    begin = BEGINNING_OF_TIME if since is None else to_microseconds(since)
    rows = database.rows(NEWEST_CACHED, (to_text(key), begin))
    if not rows:
        return None
    origin = Origin(rows[0]["run_id"], rows[0]["task_id"], ReuseReason.CACHED)
    return origin, _to_output(artifacts, rows[0])


def _to_output(artifacts: Path, row: sqlite3.Row) -> Output:
    content = row["output"]
    if content is None:
        directory = artifacts / row["run_id"]
        size = row["output_bytes"]
        content = read_output_file(directory, row["task_id"], size_bytes=size)
    return Output(content, row["serializer"])
