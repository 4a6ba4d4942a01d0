"""What differs between two runs. Pure but for the outputs, which are read where they are needed.

Everything is looked at once: a comparison costs O(tasks), and reading the outputs of which only
their bytes can tell whether they are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dagy_types import FlowSpec, Output, Run, RunReader, TaskRun, TaskSpec, mapped_position

_PAGE_TASKS = 500
_PAGE_BYTES = 16_000_000
_ASSUMED_BYTES = 100_000  # of an output that both runs reuse: its size is not with them

Presence = Literal["both", "a", "b"]
"""Which of the two runs has a task."""

Pair = tuple[TaskRun, TaskRun]
"""One task in run A and in run B."""

CompareOutputs = Callable[[Sequence[Pair]], Iterable["OtherOutput"]]
"""Yields those of the tasks whose outputs are not the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """All of a run that is compared."""

    run: Run
    spec: FlowSpec
    task_runs: Sequence[TaskRun]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same.

    Attributes:
        what: ``status``, ``code``, ``parameter`` and the like.
        a: What it is in run A, as JSON; ``None`` where it is not there.
        name: Which one, where there are several: of a parameter, of an entry of the environment.
    """

    what: str
    a: Any
    b: Any
    name: str | None = None


@dataclass(frozen=True, slots=True)
class OtherOutput:
    """A task that returned something else in run B; sizes in bytes, ``None`` without an output."""

    task_id: str
    bytes_a: int | None
    bytes_b: int | None


@dataclass(frozen=True, slots=True)
class TaskDiff:
    """A task, or a child of a mapped one, in both runs.

    Attributes:
        durations: In seconds, in run A and in run B. They are told, and are no difference.
    """

    task_id: str
    presence: Presence
    differences: tuple[Difference, ...]
    durations: tuple[float | None, float | None]

    @property
    def is_same(self) -> bool:
        """Whether both runs have it and nothing differs."""
        return self.presence == "both" and not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """Two runs side by side.

    Attributes:
        differences: Of the runs themselves.
        tasks: Every task of either run, upstream first.
    """

    a: Run
    b: Run
    differences: tuple[Difference, ...]
    tasks: Sequence[TaskDiff]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs but times and ids."""
        return not self.differences and all(task.is_same for task in self.tasks)

    @property
    def first_divergent(self) -> TaskDiff | None:
        """The first task that differs, in the order of the graph: what follows may come of it."""
        return next((task for task in self.tasks if not task.is_same), None)


def compare(a: RecordedRun, b: RecordedRun, compare_outputs: CompareOutputs) -> RunDiff:
    """Return what differs between two runs.

    Args:
        compare_outputs: Asked once, about the tasks whose outputs might be the same.
    """
    tasks_a = {task_run.task_id: task_run for task_run in a.task_runs}
    tasks_b = {task_run.task_id: task_run for task_run in b.task_runs}
    pairs = [(one, tasks_b[task_id]) for task_id, one in tasks_a.items() if task_id in tasks_b]
    doubtful = [pair for pair in pairs if _is_doubtful(*pair)]
    others = {each.task_id: each for each in compare_outputs(doubtful)}
    others |= {one.task_id: _sizes(one, two) for one, two in pairs if _is_unequal(one, two)}
    specs_a, specs_b = _specs(a.spec), _specs(b.spec)
    return RunDiff(
        a=a.run,
        b=b.run,
        differences=tuple(_run_differences(a, b)),
        tasks=[
            _task_diff(
                task_id,
                (tasks_a.get(task_id), tasks_b.get(task_id)),
                (specs_a.get(_mapped_task(task_id)), specs_b.get(_mapped_task(task_id))),
                others.get(task_id),
            )
            for task_id in _merged(list(tasks_a), list(tasks_b))
        ],
    )


def outputs_in(reader: RunReader, run_a: str, run_b: str) -> CompareOutputs:
    """Return the comparison of the outputs that a reader has, a page of tasks at a time.

    It raises `ArtifactError` when an output has been changed or removed.
    """

    def compare_outputs(pairs: Sequence[Pair]) -> Iterator[OtherOutput]:
        for task_ids in _pages(pairs):
            outputs_a = dict(reader.read_outputs(run_a, task_ids))
            outputs_b = dict(reader.read_outputs(run_b, task_ids))
            for task_id in task_ids:
                a, b = outputs_a.get(task_id), outputs_b.get(task_id)
                if a != b:
                    yield OtherOutput(task_id, _size(a), _size(b))

    return compare_outputs


def _size(output: Output | None) -> int | None:
    return None if output is None else len(output.data)


def _pages(pairs: Iterable[Pair]) -> Iterator[list[str]]:
    page: list[str] = []
    size = 0
    for one, two in pairs:
        page.append(one.task_id)
        size += one.output_bytes or two.output_bytes or _ASSUMED_BYTES
        if len(page) >= _PAGE_TASKS or size >= _PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def _is_doubtful(one: TaskRun, two: TaskRun) -> bool:
    """Tell whether only a look at the bytes shows if two outputs are the same."""
    if not (_has_output(one) and _has_output(two)) or _is_unequal(one, two):
        return False
    return _output_place(one) != _output_place(two)


def _is_unequal(one: TaskRun, two: TaskRun) -> bool:
    """Tell whether two outputs cannot be the same, by their sizes."""
    if one.origin is not None or two.origin is not None:  # a size is with who made the output
        return _has_output(one) != _has_output(two)
    return one.output_bytes != two.output_bytes


def _has_output(task_run: TaskRun) -> bool:
    return task_run.output_bytes is not None or task_run.origin is not None


def _sizes(one: TaskRun, two: TaskRun) -> OtherOutput:
    return OtherOutput(one.task_id, one.output_bytes, two.output_bytes)


def _output_place(task_run: TaskRun) -> tuple[str, str]:
    if task_run.origin is None:
        return task_run.run_id, task_run.task_id
    return task_run.origin.run_id, task_run.origin.task_id


def _specs(spec: FlowSpec) -> dict[str, TaskSpec]:
    return {task.task_id: task for task in spec.tasks}


def _mapped_task(task_id: str) -> str:
    position = mapped_position(task_id)
    return task_id if position is None else position[0]


def _merged(ids_a: Sequence[str], ids_b: Sequence[str]) -> Iterator[str]:
    """Yield the ids of both, in the order of A; those of B alone where B has them."""
    known = frozenset(ids_a)
    inserted: dict[str | None, list[str]] = {}
    place: str | None = None
    for task_id in ids_b:
        if task_id in known:
            place = task_id
        else:
            inserted.setdefault(place, []).append(task_id)
    yield from inserted.get(None, ())
    for task_id in ids_a:
        yield task_id
        yield from inserted.get(task_id, ())


def _run_differences(a: RecordedRun, b: RecordedRun) -> Iterator[Difference]:
    yield from _unequal(
        ("flow", a.run.flow_name, b.run.flow_name),
        ("version", a.run.flow_version, b.run.flow_version),
        ("flow_code", a.spec.code_hash, b.spec.code_hash),
    )
    yield from _unequal_entries("parameter", a.run.parameters, b.run.parameters)
    yield from _unequal_entries("environment", a.run.environment, b.run.environment)
    yield from _unequal(
        ("status", a.run.status.value, b.run.status.value),
        ("reason", a.run.reason and a.run.reason.value, b.run.reason and b.run.reason.value),
        ("error", a.run.error, b.run.error),
    )


def _task_diff(
    task_id: str,
    task_runs: tuple[TaskRun | None, TaskRun | None],
    specs: tuple[TaskSpec | None, TaskSpec | None],
    other_output: OtherOutput | None,
) -> TaskDiff:
    a, b = task_runs
    durations = (
        None if a is None else a.duration_seconds,
        None if b is None else b.duration_seconds,
    )
    if a is None or b is None:
        return TaskDiff(task_id, "b" if a is None else "a", (), durations)
    differences = _task_differences(a, b, other_output)
    if specs[0] is not None and specs[1] is not None and mapped_position(task_id) is None:
        code = _unequal(("code", specs[0].code_hash, specs[1].code_hash))
        differences = (*code, *differences)
    return TaskDiff(task_id, "both", differences, durations)


def _task_differences(
    a: TaskRun, b: TaskRun, other_output: OtherOutput | None
) -> tuple[Difference, ...]:
    found = list(
        _unequal(
            ("depends_on", list(a.depends_on), list(b.depends_on)),
            ("status", a.status.value, b.status.value),
            ("children", a.map_size, b.map_size),
        )
    )
    # What reuses an output made no attempt, and is no different for that.
    if a.origin is None and b.origin is None:
        found += _unequal(("attempts", a.attempt, b.attempt))
    if other_output is not None:
        found.append(Difference("output", other_output.bytes_a, other_output.bytes_b))
    return (*found, *_unequal(("error", a.error, b.error)))


def _unequal(*facts: tuple[str, Any, Any]) -> Iterator[Difference]:
    for what, a, b in facts:
        if a != b:
            yield Difference(what, a, b)


def _unequal_entries(what: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*a, *b]):
        if name not in a or name not in b or a[name] != b[name]:
            yield Difference(what, a.get(name), b.get(name), name)
