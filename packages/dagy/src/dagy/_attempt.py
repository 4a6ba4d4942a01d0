"""One attempt at one task: from the inputs to the encoded output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from inspect import iscoroutine
from typing import Any

from dagy._attempt_context import AttemptContext, current_attempt
from dagy._serializers import Serializers, encode
from dagy._template import rebuild
from dagy._tracing import TaskCall
from dagy_types import Attempt, LogRecord, Output, mapped_position
from dagy_types.errors import ArtifactError


class Performer:
    """Performs the attempts of one run: a `dagy_types.Perform`.

    Args:
        calls: The call behind each task of the graph.
    """

    def __init__(
        self,
        run_id: str,
        calls: Mapping[str, TaskCall],
        serializers: Serializers,
        max_output_bytes: int,
        now: Callable[[], datetime],
    ) -> None:
        self._run_id = run_id
        self._calls = calls
        self._serializers = serializers
        self._max_output_bytes = max_output_bytes
        self._now = now

    def __call__(self, attempt: Attempt, emit: Callable[[LogRecord], None]) -> Output:
        """Run the task's function on its inputs and return its encoded output."""
        call = call_of(self._calls, attempt.task_id)
        context = AttemptContext(self._run_id, attempt.task_id, attempt.number, emit, self._now)
        token = current_attempt.set(context)
        try:
            args, kwargs = arguments_of(call, attempt, self._serializers)
            task = call.task
            if task.options.validate_parameters:
                task.argument_check.require(args, kwargs)
            output = encode(value_of(task.function, args, kwargs), task.options.writer)
            if len(output.data) > self._max_output_bytes:
                raise _too_large(len(output.data), self._max_output_bytes)
            return output
        finally:
            if context.unfinished:
                context.flush()
            current_attempt.reset(token)


def call_of(calls: Mapping[str, TaskCall], task_id: str) -> TaskCall:
    """Return the call behind a task, which may be a child of a mapped one."""
    call = calls.get(task_id)
    if call is None:
        position = mapped_position(task_id)
        assert position is not None
        call = calls[position[0]]
    return call


def arguments_of(
    call: TaskCall, attempt: Attempt, serializers: Serializers
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments. Whoever asks gets copies: nobody sees what another does to his."""
    restored = serializers.restorer(attempt.inputs)
    if attempt.index is None:
        args = rebuild(call.args, restored)
    else:
        args = tuple(
            rebuild(value[attempt.index], restored) if item is None else serializers.restore(item)
            for value, item in zip(call.args, attempt.items, strict=True)
        )
    return args, rebuild(call.kwargs, restored) if call.kwargs else {}


def named_arguments(call: TaskCall, attempt: Attempt, serializers: Serializers) -> dict[str, Any]:
    """Return what the task is called with, by name."""
    args, kwargs = arguments_of(call, attempt, serializers)
    return call.task.signature.named(args, kwargs)


def value_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call a task's function, to the end of its coroutine if it has one."""
    value = function(*args, **kwargs)
    if not iscoroutine(value):
        return value
    import asyncio  # for those who use it: it takes longer to import than all of dagy

    return asyncio.run(value)


def _too_large(size: int, limit: int) -> ArtifactError:
    return ArtifactError(
        f"The output takes {size} bytes, more than the limit of {limit}.",
        hint="Write it to a file and return the path, or raise DAGY_LOCAL_ARTIFACT_MAX_BYTES.",
    )
