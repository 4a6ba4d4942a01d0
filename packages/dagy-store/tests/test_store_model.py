"""The store against what it should be: a dictionary (STORE-19), and a table of steps (STORE-07)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import chain
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
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunOrder,
    RunQuery,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
    TaskTransition,
    select_runs,
)
from dagy_types.errors import ConflictError, DagyError, NotFoundError, UsageError

_BEGIN = datetime(2026, 11, 1, tzinfo=timezone.utc)
_CRASHED = "The process that ran it ended without recording an end."
_TASKS = (
    TaskSpec(task_id="a", name="a"),
    TaskSpec(task_id="b", name="b", depends_on=("a",)),
    TaskSpec(task_id="b-2", name="b", depends_on=("a",)),
    TaskSpec(task_id="m", name="m", depends_on=("b",), is_mapped=True),
)
_CHILDREN = ("m[0]", "m[1]", "m[2]")
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

    def last_sign_of_life(self) -> datetime:
        times = [self.run.created_at, self.run.started_at]
        for task in self.tasks.values():
            times += [task.started_at, task.ended_at]
        return max(time for time in times if time)

    def has_made(self, task_id: str) -> bool:
        task = self.tasks.get(task_id)
        return task is not None and task.status is TaskStatus.SUCCEEDED and task.origin is None


class _Model:
    """All that `LocalMetadataStore` promises, without a disk."""

    def __init__(self) -> None:
        self._runs: dict[str, _Recorded] = {}
        self._live: set[str] = set()
        self._cached: list[tuple[str, datetime, str, str]] = []

    def reopen(self) -> None:
        for run_id in self._live:
            recorded = self._runs[run_id]
            end = recorded.last_sign_of_life()
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
        if run.resumed_from is not None:
            if run.resumed_from not in self._runs:
                raise NotFoundError("nothing to resume")
            if run.resumed_from in {self._runs[live].run.resumed_from for live in self._live}:
                raise ConflictError("resumed already")
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
        self._runs[run.run_id] = _Recorded(run, tasks)
        self._live.add(run.run_id)

    def record_tasks(self, run_id: str, transitions: Iterable[TaskTransition]) -> None:
        before = self._recorded_here(run_id)
        after = replace(before, tasks=dict(before.tasks), outputs=dict(before.outputs))
        cached = []
        for transition in transitions:
            task = after.tasks[transition.task_id] = _stepped(
                _task_that_may(after.tasks, transition), transition
            )
            if transition.map_size is not None:
                for child in _CHILDREN[: transition.map_size]:
                    after.tasks.setdefault(child, _pending(task, child))
            if transition.output:
                after.outputs[transition.task_id] = transition.output
                if transition.cache_key:
                    cached.append((transition.cache_key, transition.at, run_id, task.task_id))
        runs = {**self._runs, run_id: after}
        for task in after.tasks.values():
            origin = task.origin
            if origin and not (
                origin.run_id in runs and runs[origin.run_id].has_made(origin.task_id)
            ):
                raise ConflictError("origin")
        self._runs = runs
        self._cached += cached

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

    def list_runs(self, query: RunQuery, *, limit: int) -> list[Run]:
        if limit < 0:
            raise UsageError("limit")
        return select_runs(query, [recorded.run for recorded in self._runs.values()])[:limit]

    def get_run(self, run_id: str) -> Run:
        return self._found(run_id).run

    def list_task_runs(self, run_id: str) -> list[TaskRun]:
        tasks = self._found(run_id).tasks
        return [tasks[task_id] for task_id in sorted(tasks)]  # as in the flow, it so happens

    def get_flow_spec(self, run_id: str) -> FlowSpec:
        return FlowSpec(name=self._found(run_id).run.flow_name, tasks=_TASKS)

    def read_logs(self, run_id: str, *, task: str | None = None) -> list[LogRecord]:
        recorded = self._found(run_id)
        if task is None:
            return list(recorded.logs)
        chosen = {each.task_id for each in _TASKS if task in (each.task_id, each.name)}
        if "m" in chosen:
            chosen.update(_CHILDREN)
        size = recorded.tasks["m"].map_size
        if task in _CHILDREN[:size]:
            chosen.add(task)
        if not chosen:
            raise NotFoundError("task")
        return [record for record in recorded.logs if record.task_id in chosen]

    def read_output(self, run_id: str, task_id: str) -> Output | None:
        recorded = self._found(run_id)
        task = recorded.tasks.get(task_id)
        if task and task.origin:
            return self.read_output(task.origin.run_id, task.origin.task_id)
        return recorded.outputs.get(task_id)

    def read_outputs(self, run_id: str, task_ids: Iterable[str]) -> list[tuple[str, Output]]:
        self._found(run_id)
        outputs = {task_id: self.read_output(run_id, task_id) for task_id in task_ids}
        return [(task_id, output) for task_id, output in outputs.items() if output]

    def find_cached(
        self, key: str, *, since: datetime | None = None
    ) -> tuple[Origin, Output] | None:
        found = max(
            (each[1:] for each in self._cached if each[0] == key and each[1] >= (since or _BEGIN)),
            default=None,
        )
        if found is None:
            return None
        _, run_id, task_id = found
        output = self._runs[run_id].outputs[task_id]
        return Origin(run_id, task_id, ReuseReason.CACHED), output

    def _found(self, run_id: str) -> _Recorded:
        if run_id not in self._runs:
            raise NotFoundError("run")
        return self._runs[run_id]

    def _recorded_here(self, run_id: str) -> _Recorded:
        if run_id not in self._live:
            raise ConflictError("not here")
        return self._runs[run_id]


def _pending(parent: TaskRun, task_id: str) -> TaskRun:
    return TaskRun(
        run_id=parent.run_id,
        task_id=task_id,
        name=parent.name,
        status=TaskStatus.PENDING,
        depends_on=parent.depends_on,
    )


def _task_that_may(tasks: dict[str, TaskRun], transition: TaskTransition) -> TaskRun:
    """The task before this transition, if that is allowed."""
    parent, status, size = tasks["m"], transition.status, transition.map_size
    if transition.task_id in _CHILDREN and parent.status is not TaskStatus.RUNNING:
        raise ConflictError("the parent does not run")
    task = tasks.get(transition.task_id)
    if task is None:
        raise NotFoundError("task")
    if status not in TASK_TRANSITIONS[task.status]:
        raise ConflictError("step")
    can_have_size = task is parent and status is TaskStatus.RUNNING
    if size is not None and not (can_have_size and parent.map_size in (None, size)):
        raise ConflictError("map size")
    is_reuse = task.status is TaskStatus.PENDING and status is TaskStatus.SUCCEEDED
    has_origin = transition.origin is not None
    if has_origin != is_reuse or (has_origin and transition.output is not None):
        raise ConflictError("reuse")
    return task


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
        map_size=task.map_size if transition.map_size is None else transition.map_size,
        origin=transition.origin,
    )


# Operations as data: a name of a method, and what to call it with

_Operation = tuple[str, tuple[Any, ...], dict[str, Any]]

_seconds = st.integers(0, 4).map(_at)  # few, so that times are often equal
_run_ids = st.sampled_from((*_RUN_IDS, "r0", "r0", "r0", "r1", "r1"))  # so that much meets
_task_ids = st.sampled_from(("a", "b", "b-2", "c", "m", *_CHILDREN, "a[0]", "m[00]"))
_keys = st.none() | st.sampled_from(("k1", "k2"))
_errors = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_outputs = st.builds(
    Output, st.integers(0, 9000).map(lambda size: b"x" * size), st.sampled_from(("json", "pickle"))
)


_origins = st.builds(Origin, _run_ids, _task_ids, st.sampled_from(ReuseReason))


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
        output=draw(st.none() | _outputs) if status is TaskStatus.SUCCEEDED else None,
        map_size=draw(st.sampled_from((None, None, 0, 2))),
        origin=draw(st.none() | st.none() | _origins),
        cache_key=draw(_keys),
    )


@st.composite
def _legal_lives(draw: st.DrawFn) -> list[TaskTransition]:
    """Else few examples would get far."""
    task_id, moment = draw(st.sampled_from(("a", "b", "b-2", "m", *_CHILDREN))), draw(_seconds)
    ends = sorted(TASK_TRANSITIONS[TaskStatus.RUNNING])
    end = draw(st.sampled_from([*ends, TaskStatus.SUCCEEDED, TaskStatus.SUCCEEDED]))
    output = draw(_outputs) if end is TaskStatus.SUCCEEDED else None
    return [
        TaskTransition(task_id, TaskStatus.RUNNING, moment, attempt=1),
        TaskTransition(task_id, end, moment, output=output, cache_key=draw(_keys)),
    ]


@st.composite
def _begun_maps(draw: st.DrawFn) -> list[TaskTransition]:
    size = draw(st.integers(0, 3))
    start = TaskTransition("m", TaskStatus.RUNNING, draw(_seconds), attempt=1, map_size=size)
    return [start, *draw(_legal_lives())]


@st.composite
def _ends_without_attempt(draw: st.DrawFn) -> list[TaskTransition]:
    task_id = draw(st.sampled_from(("b", "b-2", "m", *_CHILDREN)))
    run_id = draw(st.sampled_from(("r0", "r0", "r1")))
    origin = Origin(run_id, draw(_task_ids), draw(st.sampled_from(ReuseReason)))
    return [
        draw(
            st.sampled_from(
                (
                    TaskTransition(task_id, TaskStatus.SUCCEEDED, _BEGIN, origin=origin),
                    TaskTransition(
                        task_id,
                        TaskStatus.SUCCEEDED,
                        _BEGIN,
                        origin=Origin("r0", "a", ReuseReason.RESUMED),
                        cache_key="k1",
                    ),
                    TaskTransition(task_id, TaskStatus.SKIPPED, _BEGIN, error="Not today."),
                    TaskTransition(task_id, TaskStatus.CANCELLED, _BEGIN),
                )
            )
        )
    ]


@st.composite
def _new_runs(draw: st.DrawFn) -> tuple[Run, FlowSpec]:
    flow_name = draw(st.sampled_from(_FLOWS))
    run = Run(
        run_id=draw(st.sampled_from((*_RUN_IDS, "r2", "r2"))),
        flow_name=flow_name,
        flow_version=draw(st.sampled_from(("1", "2"))),
        status=draw(st.sampled_from([RunStatus.RUNNING] * 3 + list(RunStatus))),
        created_at=draw(_seconds),
        started_at=draw(st.none() | _seconds),
        parameters=draw(st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)),
        source=draw(st.sampled_from((None, "daily.py:daily"))),
        resumed_from=draw(st.sampled_from((None, "r0", "r0", "r1", "r2"))),
        environment=draw(st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=1)),
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
_lives = st.integers(0, 9).flatmap(
    lambda number: (
        _legal_lives() if number < 5 else _ends_without_attempt() if number < 8 else _begun_maps()
    )
)
_batches = st.one_of(
    st.lists(_lives, max_size=4).map(lambda lives: list(chain.from_iterable(lives))),
    _lives,
    st.lists(_transitions(), max_size=3),
)
_records = st.tuples(st.just("record_tasks"), st.tuples(_run_ids, _batches), st.just({}))
_other_calls = st.one_of(
    st.tuples(st.just("create_run"), _new_runs(), st.just({})),
    st.tuples(
        st.just("append_logs"), st.tuples(_run_ids, st.lists(_log_records, max_size=3)), st.just({})
    ),
    st.tuples(st.just("finish_run"), st.tuples(_run_ids, _ends), st.just({})),
    st.tuples(st.just("reopen"), st.just(()), st.just({})),
    st.tuples(
        st.just("list_runs"),
        st.tuples(
            st.builds(
                RunQuery,
                status=st.none() | st.sampled_from(RunStatus),
                flow_name=st.none() | st.sampled_from(_FLOWS),
                since=st.none() | _seconds,
                id_prefix=st.sampled_from(("", "r", "r1", "x")),
                order=st.sampled_from(RunOrder),
                after=st.none() | _run_ids,
            )
        ),
        st.fixed_dictionaries({"limit": st.integers(-1, 4)}),
    ),
    st.tuples(
        st.just("read_logs"),
        st.tuples(_run_ids),
        st.fixed_dictionaries({"task": st.none() | _task_ids}),
    ),
    st.tuples(
        st.just("find_cached"),
        st.tuples(st.sampled_from(("k1", "k2"))),
        st.fixed_dictionaries({"since": st.none() | _seconds}),
    ),
)


_operations = st.integers(0, 9).flatmap(lambda number: _records if number < 6 else _other_calls)


def _answer(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a call gives: a value, or the kind of its error."""
    try:
        given = call(*arguments, **options)
        return list(given) if isinstance(given, Iterable) else given
    except DagyError as error:
        return type(error)


def _everything(store: LocalMetadataStore | _Model) -> list[Any]:
    answers: list[Any] = [
        store.list_runs(RunQuery(since=since), limit=9) for since in (None, _at(1), _at(3))
    ]
    for run_id in _RUN_IDS:
        reads = (store.get_run, store.get_flow_spec, store.list_task_runs, store.read_logs)
        answers.extend(_answer(read, run_id) for read in reads)
        answers.extend(_answer(store.read_output, run_id, task_id) for task_id in "abc")
        answers.append(_answer(store.read_outputs, run_id, ["m[1]", "m", "x", "a", "b-2"]))
    answers.extend(store.find_cached(key) for key in ("k1", "k2"))
    return answers


def _begun() -> list[_Operation]:
    """Else most calls would speak of a run that there is not, or reuse what there is not."""
    run = Run(
        run_id="r0",
        flow_name="daily",
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=_BEGIN,
    )
    spec = FlowSpec(name="daily", tasks=_TASKS)
    start = TaskTransition("a", TaskStatus.RUNNING, _BEGIN, attempt=1)
    end = TaskTransition("a", TaskStatus.SUCCEEDED, _BEGIN, output=Output(b"1", "json"))
    return [
        ("create_run", (run, spec), {}),
        ("create_run", (replace(run, run_id="r1"), spec), {}),
        ("record_tasks", ("r0", [start, end]), {}),
        ("record_tasks", ("r1", [start._replace(task_id="m", map_size=2)]), {}),
    ]


@settings(max_examples=100)
@given(operations=st.lists(_operations, min_size=8, max_size=25))
def test_the_store_answers_like_a_dictionary(operations: list[_Operation]) -> None:
    """STORE-19: any sequence of calls, right or wrong, with the store reopened in between."""
    model = _Model()
    with TemporaryDirectory() as directory:
        store = LocalMetadataStore(directory, checkpoint_bytes=30_000)
        try:
            for name, arguments, options in [*_begun(), *operations, ("reopen", (), {})]:
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
        self._record_origin()
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
            status in TASK_TRANSITIONS[self._task_status]
            and not self._run_status.is_terminal
            # Only with an origin, which these steps have not.
            and (self._task_status, status) != (TaskStatus.PENDING, TaskStatus.SUCCEEDED)
        )
        accepted = False
        with suppress(ConflictError):
            self._store.record_tasks(self._run_id, [TaskTransition("a", status, _BEGIN)])
            accepted = True
        assert accepted == is_legal
        if accepted:
            self._task_status = status

    @rule(status=st.sampled_from(TaskStatus))
    def reuse_by_api(self, status: TaskStatus) -> None:
        is_legal = (
            self._task_status is TaskStatus.PENDING
            and status is TaskStatus.SUCCEEDED
            and not self._run_status.is_terminal
        )
        origin = Origin("origin", "a", ReuseReason.CACHED)
        accepted = False
        with suppress(ConflictError):
            self._store.record_tasks(
                self._run_id, [TaskTransition("a", status, _BEGIN, origin=origin)]
            )
            accepted = True
        assert accepted == is_legal
        if accepted:
            self._task_status = status

    @rule(status=st.sampled_from([*TaskStatus, "DONE"]))
    def reuse_by_sql(self, status: TaskStatus | str) -> None:
        is_legal = self._task_status is TaskStatus.PENDING and status is TaskStatus.SUCCEEDED
        assert is_legal == self._sql_accepts(
            "INSERT INTO task_runs (task_id, attempt, ended_at, origin_run_id, origin_task_id, "
            "origin_reason, status, run_id) VALUES ('a', 0, 2, 'origin', 'a', 'cached', ?, ?)",
            _text(status),
            self._run_id,
        )

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
        ended_at = None if status is TaskStatus.RUNNING else "2"
        if self._task_status is TaskStatus.PENDING:
            started_at = "1" if status is TaskStatus.RUNNING else None
            statement = (
                "INSERT INTO task_runs (task_id, attempt, status, started_at, ended_at, run_id) "
                "VALUES ('a', 1, ?, ?, ?, ?)"
            )
            values = (_text(status), started_at, ended_at, self._run_id)
            # Only with an origin, which these steps have not.
            is_legal = is_legal and status is not TaskStatus.SUCCEEDED
        else:
            statement = "UPDATE task_runs SET status = ?, ended_at = ? WHERE run_id = ?"
            values = (_text(status), ended_at, self._run_id)
        assert is_legal == self._sql_accepts(statement, *values)

    @rule(status=st.sampled_from(TaskStatus))
    def start_and_step_of_task_by_sql(self, status: TaskStatus) -> None:
        is_legal = (
            self._task_status is TaskStatus.PENDING
            and status in TASK_TRANSITIONS[TaskStatus.RUNNING]
        )
        assert is_legal == self._sql_accepts(
            "INSERT INTO task_runs (task_id, attempt, status, started_at, ended_at, run_id) "
            "VALUES ('a', 1, ?, 1, 2, ?)",
            status.value,
            self._run_id,
        )

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

    def _record_origin(self) -> None:
        run = Run(
            run_id="origin",
            flow_name="daily",
            flow_version="1",
            status=RunStatus.RUNNING,
            created_at=_BEGIN,
        )
        self._store.create_run(run, FlowSpec(name="daily", tasks=_TASKS[:1]))
        self._store.record_tasks(
            "origin",
            [
                TaskTransition("a", TaskStatus.RUNNING, _BEGIN, attempt=1),
                TaskTransition("a", TaskStatus.SUCCEEDED, _BEGIN, output=Output(b"1", "json")),
            ],
        )

    def _sql_accepts(self, statement: str, *values: str | None) -> bool:
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            return self._sql.execute(statement, values).rowcount == 1
        except sqlite3.IntegrityError:
            return False
        finally:
            if self._sql.in_transaction:  # a step that is refused may have ended it
                self._sql.execute("ROLLBACK")


def _text(status: RunStatus | TaskStatus | str | None) -> str | None:
    return None if status is None else str(status)


def test_no_step_outside_of_the_table_is_possible() -> None:
    """STORE-07: legal and illegal steps in any order, through the API and behind its back."""
    run_state_machine_as_test(_Steps, settings=settings(max_examples=30, stateful_step_count=30))
