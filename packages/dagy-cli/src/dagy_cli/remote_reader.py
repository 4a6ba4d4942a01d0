"""The runs of a server, read as those of this machine are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from dagy_cli.failure import with_hint_for_missing
from dagy_types import RunQuery

if TYPE_CHECKING:
    from dagy_client import DagyClient
    from dagy_types import FlowSpec, LogRecord, Output, Run, TaskRun

_HINT = "Run: dagy runs list --remote"


class RemoteReader:
    """A `RunReader` over a client. What tasks return is not kept by servers."""

    def __init__(self, client: DagyClient) -> None:
        self._client = client

    def list_runs(self, query: RunQuery = RunQuery(), *, limit: int) -> list[Run]:
        return list(
            self._client.runs.list(
                status=query.status,
                flow_name=query.flow_name,
                since=query.since,
                id_prefix=query.id_prefix or None,
                order=query.order,
                after=query.after,
                limit=limit,
            )
        )

    def get_run(self, run_id: str) -> Run:
        with with_hint_for_missing(_HINT):
            return self._client.runs.get(run_id)

    def get_flow_spec(self, run_id: str) -> FlowSpec:
        with with_hint_for_missing(_HINT):
            return self._client.runs.flow_spec(run_id)

    def list_task_runs(self, run_id: str) -> list[TaskRun]:
        with with_hint_for_missing(_HINT):
            return list(self._client.task_runs.list(run_id))

    def read_logs(
        self, run_id: str, *, task: str | None = None, follow: bool = False
    ) -> Iterator[LogRecord]:
        with with_hint_for_missing(_HINT):
            yield from self._client.runs.logs(run_id, task=task, follow=follow)

    def read_output(self, run_id: str, task_id: str) -> Output | None:
        del run_id, task_id
        return None

    def read_outputs(self, run_id: str, task_ids: Collection[str]) -> Iterator[tuple[str, Output]]:
        del run_id, task_ids
        return iter(())
