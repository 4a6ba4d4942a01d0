"""Tracing: run a flow's body once, with placeholders, to learn its graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dagy._code_hash import code_hash
from dagy._failure import position, summary
from dagy._task_output import TaskOutput
from dagy._template import rebuild
from dagy_types import FlowSpec, TaskSpec
from dagy_types.errors import FlowDefinitionError

if TYPE_CHECKING:
    from dagy._flow import Flow
    from dagy._task import Task


class TaskCall(NamedTuple):
    """One call of a task: its arguments, in which placeholders stand for upstream outputs.

    Attributes:
        is_mapped: Whether ``args`` hold the lists that are mapped over, and not the arguments.
    """

    task: Task[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    is_mapped: bool = False


class Graph(NamedTuple):
    """A traced flow: what can be recorded of it, and what only this process can call.

    Attributes:
        calls: The call behind each task of the spec.
        tasks: What is called there, each once.
        result: What the flow's body returned, with placeholders.
    """

    spec: FlowSpec
    calls: Mapping[str, TaskCall]
    tasks: frozenset[Task[..., Any]]
    result: Any


class Trace:
    """The graph of one flow while its body runs."""

    def __init__(self) -> None:
        self._flows: list[Flow[..., Any]] = []
        self._bodies: dict[str, None] = {}  # the code of all flows inside, in order
        self._tasks: list[TaskSpec] = []
        self._calls: dict[str, TaskCall] = {}
        self._upstreams: dict[tuple[str, ...], tuple[str, ...]] = {}  # equal ones are one object
        self._taken: dict[str, int] = {}

    def add(
        self,
        task: Task[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        is_mapped: bool = False,
    ) -> TaskOutput:
        """Add a task call and return the placeholder of its output."""
        task_id = self._new_id(task.name)
        options, upstream = task.options, _Upstream(self)
        args = tuple([upstream.snapshot(each) for each in args])
        if kwargs:
            kwargs = upstream.snapshot(kwargs)
        if options.after or options.conditions:
            upstream.snapshot([*options.after, *(each.output for each in options.conditions)])
        depends_on = tuple(upstream.task_ids)
        self._tasks.append(
            TaskSpec(
                task_id=task_id,
                name=task.name,
                description=task.description,
                depends_on=self._upstreams.setdefault(depends_on, depends_on),
                is_mapped=is_mapped,
                code_hash=task.code_hash,
                tags=options.tags,
            )
        )
        self._calls[task_id] = TaskCall(task, args, kwargs, is_mapped)
        return TaskOutput(task_id, self)

    @contextmanager
    def inside(self, flow: Flow[..., Any]) -> Iterator[None]:
        """Name the tasks added in this block after the flow, unless it is the outermost."""
        if flow in self._flows:
            path = " → ".join(each.name for each in [*self._flows, flow])
            raise FlowDefinitionError(
                f"Flow {flow.name!r} calls itself: {path}.",
                hint="A flow's graph is finite: repeat work with a loop over task calls.",
            )
        self._flows.append(flow)
        self._bodies[code_hash(flow.function)] = None
        try:
            yield
        finally:
            self._flows.pop()

    def graph(self, flow: Flow[..., Any], result: Any) -> Graph:
        """Return the finished graph, given what the flow's body returned."""
        upstream = _Upstream(self)
        template = upstream.snapshot(result)
        spec = FlowSpec(
            name=flow.name,
            version=flow.version,
            description=flow.description,
            tasks=tuple(self._tasks),
            outputs=tuple(upstream.task_ids),
            code_hash="+".join(self._bodies),
            tags=flow.options.tags,
        )
        tasks = frozenset(call.task for call in self._calls.values())
        return Graph(spec, self._calls, tasks, template)

    def _new_id(self, task_name: str) -> str:
        stem = _slug(task_name)
        if len(self._flows) > 1:
            stem = "".join(f"{_slug(flow.name)}." for flow in self._flows[1:]) + stem
        # Ids name directories too, and some file systems do not tell A from a.
        key = stem.casefold()
        number = self._taken.get(key)
        if number is None:
            self._taken[key] = 1
            return stem
        while True:
            number += 1
            numbered = f"{key}-{number}"
            if numbered not in self._taken:
                break
        self._taken[key] = number
        self._taken[numbered] = 1
        return numbered if stem == key else f"{stem}-{number}"


class _Upstream:
    """Which tasks of a trace something is made of.

    Attributes:
        task_ids: Theirs, each once, in order.
    """

    __slots__ = ("_trace", "task_ids")

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.task_ids: dict[str, None] = {}

    def snapshot(self, value: Any) -> Any:
        """Copy the containers, so that later changes to them in the flow's body have no effect.

        Raises:
            FlowDefinitionError: When an output of another trace is in them.
        """
        if type(value) is list and self._note_all(value):
            return value.copy()
        try:
            return rebuild(value, self._noting())
        except RecursionError:
            raise FlowDefinitionError(
                "A task's argument or the flow's result contains itself, or is nested too deeply.",
                hint="Pass flat data.",
            ) from None

    def _note_all(self, items: list[Any]) -> bool:
        """Note the items of a list of nothing but outputs, which may be long, at little cost."""
        trace, task_ids = self._trace, self.task_ids
        for item in items:
            if type(item) is not TaskOutput or item.trace is not trace:
                return False
            task_ids[item.task_id] = None
        return True

    def _noting(self) -> Callable[[TaskOutput], TaskOutput]:
        trace, task_ids = self._trace, self.task_ids

        def note(output: TaskOutput) -> TaskOutput:
            if output.trace is not trace:
                raise FlowDefinitionError(
                    f"The output of task {output.task_id!r} belongs to another run of a flow.",
                    hint="Call the task in this flow, or pass its value as a parameter.",
                )
            task_ids[output.task_id] = None
            return output

        return note


@lru_cache(maxsize=1024)
def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:80] or "task"


_current_trace: ContextVar[Trace | None] = ContextVar("current_trace", default=None)


def current_trace() -> Trace | None:
    """Return the trace under way in this context, if any."""
    return _current_trace.get()


def trace(flow: Flow[..., Any], parameters: Mapping[str, Any]) -> Graph:
    """Run the flow's body once and return its graph.

    Raises:
        FlowDefinitionError: When the body raises, or the graph is impossible.
    """
    traced = Trace()
    token = _current_trace.set(traced)
    try:
        with traced.inside(flow):
            result = flow.function(**parameters)
        return traced.graph(flow, result)
    except FlowDefinitionError as error:
        message = f"{error.message.removesuffix('.')}{position(error)}."
        raise FlowDefinitionError(message, hint=error.hint) from error
    except Exception as error:
        raise FlowDefinitionError(
            f"Flow {flow.name!r} cannot be traced, its body raised {summary(error)}"
            f"{position(error)}.",
            hint="A flow's body only calls tasks: what can fail belongs in a task.",
        ) from error
    finally:
        _current_trace.reset(token)
