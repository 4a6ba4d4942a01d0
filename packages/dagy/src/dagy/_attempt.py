"""One attempt at one task, as the executor sees it: a call without arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from dagy._attempt_context import AttemptContext, current_attempt
from dagy._task_output import TaskOutput
from dagy._template import rebuild
from dagy._tracing import TaskCall
from dagy_types import LogRecord, Output, Serializer
from dagy_types.errors import ArtifactError


def attempt_call(
    call: TaskCall,
    *,
    inputs: Mapping[str, Output],
    serializer: Serializer,
    run_id: str,
    task_id: str,
    number: int,
    emit: Callable[[LogRecord], None],
    now: Callable[[], datetime],
    max_output_bytes: int,
) -> Callable[[], Output]:
    """Return a function that runs the task on its inputs and returns its encoded output.

    Every consumer decodes an output for itself: nobody sees what another does to its copy.
    """

    def restore(placeholder: TaskOutput) -> Any:
        return serializer.decode(inputs[placeholder.task_id].data)

    def run() -> Output:
        context = AttemptContext(run_id, task_id, number, emit, now)
        token = current_attempt.set(context)
        try:
            args = rebuild(call.args, restore)
            kwargs = rebuild(call.kwargs, restore)
            value = call.task.function(*args, **kwargs)
            data = serializer.encode(value)
            if len(data) > max_output_bytes:
                raise _too_large(len(data), max_output_bytes)
            return Output(data, serializer.name)
        finally:
            context.flush()
            current_attempt.reset(token)

    return run


def _too_large(size: int, limit: int) -> ArtifactError:
    return ArtifactError(
        f"The output takes {size} bytes, more than the limit of {limit}.",
        hint="Write it to a file and return the path, or raise DAGY_LOCAL_ARTIFACT_MAX_BYTES.",
    )
