"""A mapped task at run time: what its children get, and what has become of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dagy._serializers import Serializers, encode
from dagy._task_output import TaskOutput
from dagy._template import rebuild
from dagy._tracing import TaskCall
from dagy_types import Input, Output
from dagy_types.errors import UsageError

_Column = Callable[[int], Output | None]


class FanOut:
    """The children of a mapped task.

    Args:
        columns: For each argument that is mapped over its items; ``None`` for those of a constant.
        inputs_of: What a child gets besides, by the id of the task that returned it.
        keeps_outputs: Whether anybody will ask for what the children return.

    Attributes:
        remaining: How many children have not ended.
        failed: How many of those that have ended failed.
        is_cancelled: Whether some child was cancelled.
    """

    def __init__(
        self,
        size: int,
        columns: Sequence[_Column],
        inputs_of: Callable[[int], Mapping[str, Input]],
        *,
        keeps_outputs: bool,
    ) -> None:
        self.size = size
        self.inputs_of = inputs_of
        self.remaining = size
        self.failed = 0
        self.is_cancelled = False
        self._columns = columns
        self._outputs: list[Output | None] | None = [None] * size if keeps_outputs else None

    def items(self, index: int) -> tuple[Output | None, ...]:
        """Return what a child gets of each argument that is mapped over."""
        return tuple(column(index) for column in self._columns)

    def succeed(self, index: int, output: Output | None) -> None:
        """A child succeeded; its output is ``None`` when it is reused and nobody needs it."""
        self.remaining -= 1
        if self._outputs is not None:
            self._outputs[index] = output

    def fail(self) -> None:
        """A child failed for good."""
        self.remaining -= 1
        self.failed += 1

    def cancel(self) -> None:
        """A child was cancelled."""
        self.remaining -= 1
        self.is_cancelled = True

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What the children returned, in the order of their items, as far as it is known."""
        return tuple(output for output in self._outputs or () if output is not None)


def fan_out(
    call: TaskCall,
    inputs: Mapping[str, Input],
    serializers: Serializers,
    *,
    keeps_outputs: bool,
) -> FanOut:
    """Return the children of a mapped task, given what its upstream tasks returned.

    Raises:
        UsageError: When a value that is mapped over is no list, or they differ in length.
        ArtifactError: When such a value cannot be restored, or its items have no exact encoding.
    """
    sized = [_column(value, inputs, serializers, call.task.name) for value in call.args]
    sizes = {size for size, _ in sized}
    if len(sizes) > 1:
        lengths = ", ".join(str(size) for size, _ in sized)
        raise UsageError(
            f"Task {call.task.name!r} maps over lists of different lengths: {lengths}."
        )
    return FanOut(
        sizes.pop(),
        [column for _, column in sized],
        _inputs_of(call, inputs),
        keeps_outputs=keeps_outputs,
    )


def _column(
    value: Any, inputs: Mapping[str, Input], serializers: Serializers, task_name: str
) -> tuple[int, _Column]:
    if not isinstance(value, TaskOutput):
        return len(value), lambda _: None
    source = inputs[value.task_id]
    if not isinstance(source, Output):
        return len(source), lambda index: source[index]
    items = serializers.restore(source)
    if not isinstance(items, (list, tuple)):
        raise UsageError(
            f"Task {task_name!r} maps over what {value.task_id!r} returned, "
            f"a value of type {type(items).__name__}; it must be a list or a tuple."
        )
    # All at once, so that one that cannot be encoded fails this task, and no child that has begun.
    serializer = serializers.named(source.serializer)
    encoded = [encode(item, serializer) for item in items]
    return len(encoded), lambda index: encoded[index]


def _inputs_of(call: TaskCall, inputs: Mapping[str, Input]) -> Callable[[int], Mapping[str, Input]]:
    """Return what a child needs besides its encoded items: no more, as it may be sent about."""
    shared = {task_id: inputs[task_id] for task_id in _placeholders(call.kwargs)}
    constants = [value for value in call.args if not isinstance(value, TaskOutput)]
    if not _placeholders(constants):
        return lambda _: shared
    return lambda index: (
        shared
        | {
            task_id: inputs[task_id]
            for task_id in _placeholders([each[index] for each in constants])
        }
    )


def _placeholders(value: Any) -> dict[str, None]:
    """Return the ids of the tasks whose outputs a value holds."""
    found: dict[str, None] = {}

    def note(output: TaskOutput) -> TaskOutput:
        found[output.task_id] = None
        return output

    rebuild(value, note)
    return found
