"""The store against what it should be: a dictionary (STORE-19), and a table of steps (STORE-07)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dagy_store import LocalMetadataStore
from dagy_types import (
    RUN_TRANSITIONS,
    TASK_TRANSITIONS,
    FailureReason,
    FlowSpec,
    LogRecord,
    Output,
    Run,
    RunEnd,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import ConflictError, DagyError, NotFoundError, UsageError

_BEGIN = datetime(2026, 11, 1, tzinfo=timezone.utc)
_CRASHED = "The process that ran it ended without recording an end."
_TASKS = (
    TaskSpec(task_id="a", name="a"),
    TaskSpec(task_id="b", name="b", depends_on=("a",)),
    TaskSpec(task_id="b-2", name="b", depends_on=("a",)),
)
_RUN_IDS = ("r0", "r1", "r2", "R3")
_FLOWS = ("daily", "hourly")


def _at(second: int) -> datetime:
    return _BEGIN + timedelta(seconds=second)


@dataclass
class _Recorded:
    run: Run
    tasks: dict[str, TaskRun]
    outputs: dict[str, Output] = field(default_factory=dict)
    logs: list[LogRecord] = field(default_factory=list)
    signs_of_life: list[datetime] = field(default_factory=list)


class _Model:
    """All that `LocalMetadataStore` promises, without a disk."""

    def __init__(self) -> None:
        self._runs: dict[str, _Recorded] = {}
        self._live: set[str] = set()

    def reopen(self) -> None:
        for run_id in self._live:
            recorded = self._runs[run_id]
            end = max(recorded.signs_of_life)
            recorded.run = replace(
                recorded.run,
                status=RunStatus.FAILED,
                reason=FailureReason.CRASHED,
                error=_CRASHED,
                ended_at=end,
            )
            for task_id, task in recorded.tasks.items():
                if task.status is TaskStatus.RUNNING:
                    recorded.tasks[task_id] = replace(
                        task, status=TaskStatus.FAILED, ended_at=end, error=_CRASHED
                    )
        self._live.clear()

    def create_run(self, run: Run, spec: FlowSpec) -> None:
        if run.run_id != run.run_id.lower() or run.status.is_terminal:
            raise UsageError("new")
        if run.run_id in self._runs:
            raise ConflictError("twice")
        tasks = {
            task.task_id: TaskRun(
                run_id=run.run_id,
                task_id=task.task_id,
                name=task.name,
                status=TaskStatus.PENDING,
                depends_on=task.depends_on,
            )
            for task in spec.tasks
        }
        signs = [moment for moment in (run.created_at, run.started_at) if moment]
        self._runs[run.run_id] = _Recorded(run, tasks, signs_of_life=signs)
        self._live.add(run.run_id)

    def record_tasks(self, run_id: str, transitions: Iterable[TaskTransition]) -> None:
        recorded = self._recorded_here(run_id)
        tasks, outputs = dict(recorded.tasks), dict(recorded.outputs)
        signs = list(recorded.signs_of_life)
        for transition in transitions:
            task = tasks.get(transition.task_id)
            if task is None:
                raise NotFoundError("task")
            if transition.status not in TASK_TRANSITIONS[task.status]:
                raise ConflictError("step")
            tasks[transition.task_id] = _stepped(task, transition)
            signs.append(transition.at)
            if transition.output:
                outputs[transition.task_id] = transition.output
        recorded.tasks, recorded.outputs, recorded.signs_of_life = tasks, outputs, signs

    def append_logs(self, run_id: str, records: Iterable[LogRecord]) -> None:
        self._recorded_here(run_id).logs.extend(records)

    def finish_run(self, run_id: str, end: RunEnd) -> None:
        recorded = self._recorded_here(run_id)
        if end.status not in RUN_TRANSITIONS[recorded.run.status] or not end.status.is_terminal:
            raise ConflictError("end")
        if end.reason and end.status is not RunStatus.FAILED:
            raise UsageError("reason")
        recorded.run = replace(
            recorded.run,
            status=end.status,
            reason=end.reason,
            error=end.error,
            ended_at=end.ended_at,
        )
        self._live.remove(run_id)

    def list_runs(
        self,
        *,
        limit: int,
        status: RunStatus | None,
        flow_name: str | None,
        since: datetime | None,
    ) -> list[Run]:
        if limit < 0:
            raise UsageError("limit")
        found = [
            recorded.run
            for recorded in self._runs.values()
            if status in (None, recorded.run.status)
            and flow_name in (None, recorded.run.flow_name)
            and (since is None or recorded.run.created_at >= since)
        ]
        found.sort(key=lambda run: (run.created_at, run.run_id), reverse=True)
        return found[:limit]

    def get_run(self, run_id: str) -> Run:
        return self._found(run_id).run

    def list_task_runs(self, run_id: str) -> list[TaskRun]:
        return list(self._found(run_id).tasks.values())

    def read_logs(self, run_id: str, *, task: str | None = None) -> list[LogRecord]:
        recorded = self._found(run_id)
        if task is None:
            return list(recorded.logs)
        chosen = {each.task_id for each in _TASKS if task in (each.task_id, each.name)}
        if not chosen:
            raise NotFoundError("task")
        return [record for record in recorded.logs if record.task_id in chosen]

    def read_output(self, run_id: str, task_id: str) -> Output | None:
        return self._found(run_id).outputs.get(task_id)

    def _found(self, run_id: str) -> _Recorded:
        if run_id not in self._runs:
            raise NotFoundError("run")
        return self._runs[run_id]

    def _recorded_here(self, run_id: str) -> _Recorded:
        if run_id not in self._live:
            raise ConflictError("not here")
        return self._runs[run_id]


def _stepped(task: TaskRun, transition: TaskTransition) -> TaskRun:
    is_start = transition.status is TaskStatus.RUNNING
    return replace(
        task,
        status=transition.status,
        attempt=transition.attempt if is_start else task.attempt,
        started_at=transition.at if is_start else task.started_at,
        ended_at=None if is_start else transition.at,
        error=transition.error,
        output_bytes=len(transition.output.data) if transition.output else None,
    )


# Operations as data: a name of a method, and what to call it with

_seconds = st.integers(0, 4).map(_at)  # few, so that times are often equal
_run_ids = st.sampled_from(_RUN_IDS)
_task_ids = st.sampled_from(("a", "b", "b-2", "c"))
_errors = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_outputs = st.builds(
    Output, st.integers(0, 9000).map(lambda size: b"x" * size), st.sampled_from(("json", "pickle"))
)


@st.composite
def _transitions(draw: st.DrawFn) -> TaskTransition:
    status = draw(st.sampled_from(TaskStatus))
    is_start = status is TaskStatus.RUNNING
    return TaskTransition(
        draw(_task_ids),
        status,
        draw(_seconds),
        attempt=draw(st.integers(1, 3)) if is_start else 0,
        error=None if is_start else draw(_errors),
        output=draw(_outputs) if status is TaskStatus.SUCCEEDED else None,
    )


@st.composite
def _legal_lives(draw: st.DrawFn) -> list[TaskTransition]:
    """Else few examples would get far."""
    task_id, moment = draw(_task_ids), draw(_seconds)
    end = draw(st.sampled_from(sorted(TASK_TRANSITIONS[TaskStatus.RUNNING])))
    output = draw(_outputs) if end is TaskStatus.SUCCEEDED else None
    return [
        TaskTransition(task_id, TaskStatus.RUNNING, moment, attempt=1),
        TaskTransition(task_id, end, moment, output=output),
    ]


@st.composite
def _new_runs(draw: st.DrawFn) -> tuple[Run, FlowSpec]:
    flow_name = draw(st.sampled_from(_FLOWS))
    run = Run(
        run_id=draw(_run_ids),
        flow_name=flow_name,
        flow_version=draw(st.sampled_from(("1", "2"))),
        status=draw(st.sampled_from([RunStatus.RUNNING] * 3 + list(RunStatus))),
        created_at=draw(_seconds),
        started_at=draw(st.none() | _seconds),
        parameters=draw(st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)),
    )
    return run, FlowSpec(name=flow_name, tasks=_TASKS)


_log_records = st.builds(
    LogRecord,
    run_id=_run_ids,
    at=_seconds,
    level=st.just("INFO"),
    logger=st.just("stdout"),
    message=st.text(max_size=5),
    task_id=st.none() | _task_ids,
)
_ends = st.builds(
    RunEnd,
    status=st.sampled_from(RunStatus),
    ended_at=_seconds,
    reason=st.none() | st.sampled_from(FailureReason),
    error=_errors,
)
_batches = _legal_lives() | st.lists(_transitions(), max_size=3)
_operations = st.one_of(
    st.tuples(st.just("create_run"), _new_runs(), st.just({})),
    st.tuples(st.just("record_tasks"), st.tuples(_run_ids, _batches), st.just({})),
    st.tuples(
        st.just("append_logs"), st.tuples(_run_ids, st.lists(_log_records, max_size=3)), st.just({})
    ),
    st.tuples(st.just("finish_run"), st.tuples(_run_ids, _ends), st.just({})),
    st.tuples(st.just("reopen"), st.just(()), st.just({})),
    st.tuples(
        st.just("list_runs"),
        st.just(()),
        st.fixed_dictionaries(
            {
                "limit": st.integers(-1, 4),
                "status": st.none() | st.sampled_from(RunStatus),
                "flow_name": st.none() | st.sampled_from(_FLOWS),
                "since": st.none() | _seconds,
            }
        ),
    ),
    st.tuples(
        st.just("read_logs"),
        st.tuples(_run_ids),
        st.fixed_dictionaries({"task": st.none() | _task_ids}),
    ),
)


def _answer(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a call gives: a value, or the kind of its error."""
    try:
        given = call(*arguments, **options)
        return list(given) if isinstance(given, Iterable) else given
    except DagyError as error:
        return type(error)


def _everything(store: LocalMetadataStore | _Model) -> list[Any]:
    answers: list[Any] = [
        store.list_runs(limit=9, status=None, flow_name=None, since=since)
        for since in (None, _at(1), _at(3))
    ]
    for run_id in _RUN_IDS:
        reads = (store.get_run, store.list_task_runs, store.read_logs)
        answers.extend(_answer(read, run_id) for read in reads)
        answers.extend(_answer(store.read_output, run_id, task_id) for task_id in "abc")
    return answers


@settings(max_examples=100)
@given(operations=st.lists(_operations, max_size=25))
def test_the_store_answers_like_a_dictionary(
    operations: list[tuple[str, tuple[Any, ...], dict[str, Any]]],
) -> None:
    """STORE-19: any sequence of calls, right or wrong, with the store reopened in between."""
    model = _Model()
    with TemporaryDirectory() as directory:
        store = LocalMetadataStore(directory, checkpoint_bytes=30_000)
        try:
            for name, arguments, options in [*operations, ("reopen", (), {})]:
                if name == "reopen":
                    store.close()
                    store = LocalMetadataStore(directory)
                    model.reopen()
                else:
                    answers = [
                        _answer(getattr(side, name), *arguments, **options)
                        for side in (store, model)
                    ]
                    assert answers[0] == answers[1]
                assert _everything(store) == _everything(model)
        finally:
            store.close()


class _Steps(RuleBasedStateMachine):
    """Walks runs and tasks through legal and illegal steps, by the API and by SQL behind it.

    What SQL changes is rolled back, so that only the API decides how things go on.
    """

    def __init__(self) -> None:
        super().__init__()
        self._directory = TemporaryDirectory()
        self._store = LocalMetadataStore(self._directory.name, busy_timeout_seconds=0.5)
        self._sql = sqlite3.connect(
            Path(self._directory.name) / "dagy.db", isolation_level=None, timeout=0.5
        )
        self._sql.execute("PRAGMA wal_autocheckpoint = 0")
        self._count = 0
        self._run_status = RunStatus.RUNNING
        self._task_status = TaskStatus.PENDING
        self.begin(status=RunStatus.RUNNING)

    @rule(status=st.sampled_from((RunStatus.QUEUED, RunStatus.RUNNING)))
    def begin(self, status: RunStatus) -> None:
        self._count += 1
        run = Run(
            run_id=f"r{self._count}",
            flow_name="daily",
            flow_version="1",
            status=status,
            created_at=_BEGIN,
        )
        self._store.create_run(run, FlowSpec(name="daily", tasks=_TASKS[:1]))
        self._run_status = status
        self._task_status = TaskStatus.PENDING

    @rule(status=st.sampled_from(TaskStatus))
    def step_by_api(self, status: TaskStatus) -> None:
        is_legal = (
            status in TASK_TRANSITIONS[self._task_status] and not self._run_status.is_terminal
        )
        accepted = False
        with suppress(ConflictError):
            self._store.record_tasks(self._run_id, [TaskTransition("a", status, _BEGIN)])
            accepted = True
        assert accepted == is_legal
        if accepted:
            self._task_status = status

    @rule(status=st.sampled_from(RunStatus))
    def end_by_api(self, status: RunStatus) -> None:
        is_legal = status.is_terminal and status in RUN_TRANSITIONS[self._run_status]
        accepted = False
        with suppress(ConflictError):
            self._store.finish_run(self._run_id, RunEnd(status=status, ended_at=_BEGIN))
            accepted = True
        assert accepted == is_legal
        if accepted:
            self._run_status = status

    @rule(status=st.sampled_from([*RunStatus, "DONE", "", None]))
    def step_of_run_by_sql(self, status: RunStatus | str | None) -> None:
        is_legal = status in RUN_TRANSITIONS[self._run_status]
        assert is_legal == self._sql_accepts(
            "UPDATE runs SET status = ? WHERE run_id = ?", _text(status), self._run_id
        )

    @rule(status=st.sampled_from([*TaskStatus, "DONE", "", None]))
    def step_of_task_by_sql(self, status: TaskStatus | str | None) -> None:
        is_legal = status in TASK_TRANSITIONS[self._task_status]
        if self._task_status is TaskStatus.PENDING:
            statement = (
                "INSERT INTO task_runs (status, run_id, task_id, attempt) VALUES (?, ?, 'a', 1)"
            )
        else:
            statement = "UPDATE task_runs SET status = ? WHERE run_id = ?"
        assert is_legal == self._sql_accepts(statement, _text(status), self._run_id)

    @invariant()
    def the_store_is_where_the_table_says(self) -> None:
        assert self._store.get_run(self._run_id).status is self._run_status
        assert self._store.list_task_runs(self._run_id)[0].status is self._task_status

    def teardown(self) -> None:
        self._sql.close()
        self._store.close()
        self._directory.cleanup()

    @property
    def _run_id(self) -> str:
        return f"r{self._count}"

    def _sql_accepts(self, statement: str, *values: str | None) -> bool:
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            return self._sql.execute(statement, values).rowcount == 1
        except sqlite3.IntegrityError:
            return False
        finally:
            self._sql.execute("ROLLBACK")


def _text(status: RunStatus | TaskStatus | str | None) -> str | None:
    return None if status is None else str(status)


def test_no_step_outside_of_the_table_is_possible() -> None:
    """STORE-07: legal and illegal steps in any order, through the API and behind its back."""
    run_state_machine_as_test(_Steps, settings=settings(max_examples=30, stateful_step_count=30))
