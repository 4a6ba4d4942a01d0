"""What a flow is, as data: its tasks and the edges between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagy_types.errors import FlowDefinitionError

_CHILD_ID = re.compile(r"(.+)\[(0|[1-9][0-9]{0,17})\]", re.ASCII | re.DOTALL)
_TASK_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """One call of a task in a flow.

    Attributes:
        task_id: Unique in the flow, and safe as the name of a file.
        name: What the author called the task; several calls share it.
        depends_on: Ids of the tasks that must have succeeded before this one starts.
        is_mapped: Whether it has a child for each item of a value that is known when it starts.
        code_hash: Changes when the code of the task's function does.
        tags: What its author marked it with.
    """

    task_id: str
    name: str
    description: str | None = None
    depends_on: tuple[str, ...] = ()
    is_mapped: bool = False
    code_hash: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """The immutable graph of one flow.

    Attributes:
        tasks: In the order in which the flow calls them.
        outputs: Ids of the tasks that the flow's result is built from.
        code_hash: Changes when the code of the flow's body does.
        tags: What its author marked it with.

    Raises:
        FlowDefinitionError: On an unusable or repeated task id, an unknown upstream, a cycle.
    """

    name: str
    version: str = "latest"
    description: str | None = None
    tasks: tuple[TaskSpec, ...] = ()
    outputs: tuple[str, ...] = ()
    code_hash: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known: set[str] = set()
        checked: tuple[str, ...] = ()
        is_ordered = True
        for task in self.tasks:
            if not _TASK_ID.fullmatch(task.task_id):
                raise FlowDefinitionError(
                    f"Flow {self.name!r}: {task.task_id!r} cannot be the id of a task.",
                    hint="Use up to 200 letters, digits, . _ -; first a letter, digit or _.",
                )
            if task.task_id in known:
                raise FlowDefinitionError(
                    f"Flow {self.name!r}: two tasks have the id {task.task_id!r}."
                )
            if task.depends_on is not checked:  # of many tasks, those before have the same
                checked = task.depends_on
                is_ordered = is_ordered and known.issuperset(checked)
            known.add(task.task_id)
        _require_known(self, self.outputs, known, "its result is built from")
        # Tracing lists upstream first, so only specs from elsewhere pay for the search.
        if not is_ordered:
            for task in self.tasks:
                what = f"task {task.task_id!r} depends on"
                _require_known(self, task.depends_on, known, what)
            _require_acyclic(self)

    @property
    def content_hash(self) -> str:
        """The SHA-256 of the canonical JSON form, in hexadecimal: equal for equal specs only."""
        from hashlib import sha256  # listing runs needs no hash, and should start fast

        return sha256(flow_spec_to_json(self).encode()).hexdigest()


def mapped_task_id(task_id: str, index: int) -> str:
    """Return the id of a child of a mapped task; indexes count from 0."""
    return f"{task_id}[{index}]"


def mapped_position(task_id: str) -> tuple[str, int] | None:
    """Return the mapped task and the index that `mapped_task_id` made an id of, if it did."""
    if not task_id.endswith("]"):  # as most do not: this is asked of every task
        return None
    match = _CHILD_ID.fullmatch(task_id)
    return None if match is None else (match[1], int(match[2]))


def flow_spec_to_json(spec: FlowSpec) -> str:
    """Return the canonical JSON text: one spelling per spec."""
    document: dict[str, object] = {
        "name": spec.name,
        "version": spec.version,
        "description": spec.description,
        "tasks": [],
        "outputs": spec.outputs,
        "code_hash": spec.code_hash,
        "tags": dict(sorted(spec.tags.items())),
    }
    # In JSON this stands nowhere else: a quote in a text has a backslash, and tags are texts.
    before, after = _compact(document).split('"tasks":[]')
    return f'{before}"tasks":[{",".join(_task_texts(spec.tasks))}]{after}'


def _task_texts(tasks: Iterable[TaskSpec]) -> Iterator[str]:
    """Yield the JSON of each task.

    They are many and much the same: what several of them have in common is written once, and copied
    for the others.
    """
    around: dict[tuple[object, ...], tuple[str, str]] = {}
    upstream: dict[tuple[str, ...], str] = {}
    for task in tasks:
        kind = (task.name, task.description, task.is_mapped, task.code_hash, id(task.tags))
        if kind not in around:
            around[kind] = _around_upstream(task)
        if task.depends_on not in upstream:
            upstream[task.depends_on] = _compact(task.depends_on)
        before, after = around[kind]
        yield f'{{"task_id":"{task.task_id}",{before}{upstream[task.depends_on]}{after}}}'


def _around_upstream(task: TaskSpec) -> tuple[str, str]:
    """Return what stands before and after the upstream of a task in its JSON."""
    document: dict[str, object] = {
        "name": task.name,
        "description": task.description,
        "depends_on": [],
        "is_mapped": task.is_mapped,
        "code_hash": task.code_hash,
        "tags": dict(sorted(task.tags.items())),
    }
    before, after = _compact(document)[1:-1].split('"depends_on":[]')
    return f'{before}"depends_on":', after


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def flow_spec_from_json(text: str) -> FlowSpec:
    """Read what `flow_spec_to_json` wrote.

    Raises:
        FlowDefinitionError: When the text is not the JSON of a flow spec, or the spec is invalid.
    """
    try:
        document: Mapping[str, Any] = json.loads(text)
        tasks = tuple(
            TaskSpec(
                task_id=_text(task["task_id"]),
                name=_text(task["name"]),
                description=task["description"],
                depends_on=_texts(task["depends_on"]),
                is_mapped=task["is_mapped"] is True,
                code_hash=task["code_hash"],
                tags=_tags(task["tags"]),
            )
            for task in document["tasks"]
        )
        return FlowSpec(
            name=_text(document["name"]),
            version=_text(document["version"]),
            description=document["description"],
            tasks=tasks,
            outputs=_texts(document["outputs"]),
            code_hash=document["code_hash"],
            tags=_tags(document["tags"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise FlowDefinitionError(f"This is not the JSON of a flow spec: {error!r}.") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} should be text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} should be a list")
    return tuple(_text(each) for each in value)


def _tags(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} should be an object")
    return {key: _text(each) for key, each in value.items()}


def _require_known(spec: FlowSpec, task_ids: Iterable[str], known: set[str], what: str) -> None:
    for task_id in task_ids:
        if task_id not in known:
            raise FlowDefinitionError(
                f"Flow {spec.name!r}: {what} {task_id!r}, which is not in the flow."
            )


def _require_acyclic(spec: FlowSpec) -> None:
    from graphlib import CycleError, TopologicalSorter

    try:
        TopologicalSorter({task.task_id: task.depends_on for task in spec.tasks}).prepare()
    except CycleError as error:
        path = " → ".join(error.args[1])
        raise FlowDefinitionError(
            f"Flow {spec.name!r} has a cycle: {path}.",
            hint="A task can only use outputs of tasks that were called before it.",
        ) from None
