"""How far a run is: what each task's end means for the others, and what there is to record.

No threads, no I/O: the engine tells it what happened, and takes the changes to the recorder.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime

from dagy._attempt import call_of
from dagy._fan_out import FanOut, fan_out
from dagy._output_shelf import OutputShelf
from dagy._plan import Plan
from dagy._serializers import Serializers
from dagy._tracing import Graph, TaskCall
from dagy_types import (
    Attempt,
    Origin,
    Output,
    TaskStatus,
    TaskTransition,
    mapped_position,
)


class Progress:
    """The tasks of one run.

    Args:
        now: The clock, for what does not happen at the end of an attempt.

    Attributes:
        changes: What happened and is not recorded yet; whoever records it clears the list.
        is_complete: Whether no task so far has failed for good or was cancelled.
    """

    def __init__(
        self, graph: Graph, serializers: Serializers, *, now: Callable[[], datetime]
    ) -> None:
        self._graph = graph
        self._serializers = serializers
        self._now = now
        self._plan = Plan(graph.spec, _limits(graph))
        self._outputs = OutputShelf(graph.spec)
        self._fan_outs: dict[str, FanOut] = {}
        self.changes: list[TaskTransition] = []
        self.is_complete = True

    @property
    def plan(self) -> Plan:
        """Which tasks may start."""
        return self._plan

    @property
    def outputs(self) -> OutputShelf:
        """What tasks have returned, as far as somebody will ask for it."""
        return self._outputs

    def call(self, task_id: str) -> TaskCall:
        """Return the call behind a task, which may be a child of a mapped one."""
        return call_of(self._graph.calls, task_id)

    def is_mapped(self, task_id: str) -> bool:
        """Tell whether this is a mapped task itself, and no child of one."""
        call = self._graph.calls.get(task_id)
        return call is not None and call.is_mapped

    def attempt(self, task_id: str, number: int) -> Attempt:
        """Return an attempt at a task, whose inputs are there until it is settled."""
        position = mapped_position(task_id)
        if position is None:
            return Attempt(task_id, number, self._outputs.inputs_of(task_id))
        parent, index = position
        children = self._fan_outs[parent]
        return Attempt(task_id, number, children.inputs_of(index), index, children.items(index))

    def fan_out(self, task_id: str) -> None:
        """Give a mapped task its children.

        What makes that impossible is raised: a value that is no list, or cannot be restored.
        """
        children = fan_out(
            self._graph.calls[task_id],
            self._outputs.inputs_of(task_id),
            self._serializers,
            keeps_outputs=self._outputs.needs(task_id),
        )
        self._change(task_id, TaskStatus.RUNNING, number=1, map_size=children.size)
        self._fan_outs[task_id] = children
        if children.size:
            self._plan.fan_out(task_id, children.size)
        self._end_fan_out_when_done(task_id)

    def start(self, task_id: str, at: datetime, number: int) -> None:
        """An attempt has started."""
        self.changes.append(TaskTransition(task_id, TaskStatus.RUNNING, at, number))

    def succeed(
        self, task_id: str, at: datetime, number: int, output: Output, cache_key: str | None
    ) -> None:
        """A task has returned."""
        self.changes.append(
            TaskTransition(
                task_id, TaskStatus.SUCCEEDED, at, number, output=output, cache_key=cache_key
            )
        )
        self._settle_success(task_id, output)

    def reuse(self, task_id: str, origin: Origin, output: Output | None) -> None:
        """A task need not run; the output is ``None`` when nobody will ask for it."""
        self._change(task_id, TaskStatus.SUCCEEDED, origin=origin)
        self._settle_success(task_id, output)

    def skip(self, task_id: str, reason: str) -> None:
        """A task is not to run, and so nothing that needs it."""
        self._change(task_id, TaskStatus.SKIPPED, error=reason)
        self._outputs.settle(task_id)
        self._drop_dependents(task_id, f"Task {task_id!r} was skipped.")

    def fail_attempt(
        self, task_id: str, status: TaskStatus, at: datetime, number: int, error: str
    ) -> None:
        """An attempt has failed; the task may be tried again."""
        self.changes.append(TaskTransition(task_id, status, at, number, error))

    def fail(self, task_id: str) -> None:
        """A task that failed is not tried again."""
        self.is_complete = False
        position = mapped_position(task_id)
        if position is not None:
            self._plan.fail(task_id)
            self._fan_outs[position[0]].fail()
            self._end_fan_out_when_done(position[0])
            return
        self._outputs.settle(task_id)
        self._drop_dependents(task_id, f"Task {task_id!r} failed.")

    def fail_unstarted(self, task_id: str, error: str) -> None:
        """A task fails before any attempt."""
        self._change(task_id, TaskStatus.RUNNING, number=1)
        self._change(task_id, TaskStatus.FAILED, number=1, error=error)
        self.fail(task_id)

    def cancel(self, task_ids: Iterable[str], reason: str, *, number: int = 0) -> None:
        """Tasks that have not ended are not to go on.

        Args:
            number: The attempt that was under way.
        """
        for task_id in task_ids:
            self.is_complete = False
            self._change(task_id, TaskStatus.CANCELLED, number=number, error=reason)
            position = mapped_position(task_id)
            if position is not None:
                self._fan_outs[position[0]].cancel()
                self._end_fan_out_when_done(position[0])

    def _settle_success(self, task_id: str, output: Output | None) -> None:
        self._plan.succeed(task_id)
        position = mapped_position(task_id)
        if position is not None:
            parent, index = position
            self._fan_outs[parent].succeed(index, output)
            self._end_fan_out_when_done(parent)
            return
        if output is not None:
            self._outputs.put(task_id, output)
        self._outputs.settle(task_id)

    def _end_fan_out_when_done(self, task_id: str) -> None:
        children = self._fan_outs[task_id]
        if children.remaining:
            return
        del self._fan_outs[task_id]
        self._outputs.settle(task_id)
        if children.failed:
            error = f"{children.failed} of {children.size} failed."
            self._change(task_id, TaskStatus.FAILED, number=1, error=error)
            self._drop_dependents(task_id, f"Task {task_id!r} failed.")
        elif children.is_cancelled:
            self._change(task_id, TaskStatus.CANCELLED, number=1, error="Some were cancelled.")
        else:
            self._change(task_id, TaskStatus.SUCCEEDED, number=1)
            self._outputs.put(task_id, children.outputs)
            self._plan.succeed(task_id)

    def _drop_dependents(self, task_id: str, reason: str) -> None:
        for each in self._plan.fail(task_id):
            self._change(each, TaskStatus.SKIPPED, error=reason)
            self._outputs.settle(each)

    def _change(
        self,
        task_id: str,
        status: TaskStatus,
        *,
        number: int = 0,
        error: str | None = None,
        map_size: int | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.changes.append(
            TaskTransition(
                task_id, status, self._now(), number, error, map_size=map_size, origin=origin
            )
        )


def _limits(graph: Graph) -> dict[str, tuple[Hashable, int]]:
    limits: dict[str, tuple[Hashable, int]] = {}
    for task_id, call in graph.calls.items():
        limit = call.task.options.concurrency_limit
        if limit is not None:  # variants of a task share it as long as it is the same
            limits[task_id] = ((call.task.function, limit), limit)
    return limits
