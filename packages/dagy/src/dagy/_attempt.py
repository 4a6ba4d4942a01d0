"""One attempt at one task, as the executor sees it: a call without arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import iscoroutine
from typing import Any

from dagy._attempt_context import AttemptContext, current_attempt
from dagy._task_output import TaskOutput
from dagy._template import rebuild
from dagy._tracing import TaskCall
from dagy_types import Output
from dagy_types.errors import ArtifactError

Restore = Callable[[Output], Any]


def attempt_call(
    call: TaskCall,
    *,
    inputs: Mapping[str, Output],
    restore: Restore,
    context: AttemptContext,
    max_output_bytes: int,
) -> Callable[[], Output]:
    """Return a function that runs the task on its inputs and returns its encoded output.

    Args:
        inputs: The outputs of the upstream tasks, by task id.
        restore: Makes a new copy of the value of an output.
        context: What the attempt is, for those that it calls.
    """

    def run() -> Output:
        token = current_attempt.set(context)
        try:
            args, kwargs = _restored(call, inputs, restore)
            if call.task.options.validate_parameters:
                call.task.argument_check.require(args, kwargs)
            serializer = call.task.options.writer
            data = serializer.encode(_value_of(call.task.function, args, kwargs))
            if len(data) > max_output_bytes:
                raise _too_large(len(data), max_output_bytes)
            return Output(data, serializer.name)
        finally:
            context.flush()
            current_attempt.reset(token)

    return run


def _value_of(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    value = function(*args, **kwargs)
    if not iscoroutine(value):
        return value
    import asyncio  # for those who use it: it takes longer to import than all of dagy

    return asyncio.run(value)


def arguments_of(
    call: TaskCall, *, inputs: Mapping[str, Output], restore: Restore
) -> dict[str, Any]:
    """Return what the task is called with, by name."""
    args, kwargs = _restored(call, inputs, restore)
    return dict(call.task.signature.bind(*args, **kwargs).arguments)


def _restored(
    call: TaskCall, inputs: Mapping[str, Output], restore: Restore
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments. Whoever asks gets copies: nobody sees what another does to his."""

    def value_of(placeholder: TaskOutput) -> Any:
        return restore(inputs[placeholder.task_id])

    return rebuild(call.args, value_of), rebuild(call.kwargs, value_of)


def _too_large(size: int, limit: int) -> ArtifactError:
    return ArtifactError(
        f"The output takes {size} bytes, more than the limit of {limit}.",
        hint="Write it to a file and return the path, or raise DAGY_LOCAL_ARTIFACT_MAX_BYTES.",
    )
