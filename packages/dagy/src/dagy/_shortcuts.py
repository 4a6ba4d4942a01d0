"""Tasks that need not run: left out, skipped on a condition, done before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dagy._cache_key import cache_key
from dagy._condition import why_skipped
from dagy._failure import summary
from dagy._resumption import Resumption
from dagy._serializers import BUILT_IN, Serializers
from dagy._task_output import TaskOutput
from dagy._template import rebuild
from dagy._tracing import TaskCall
from dagy_types import Attempt, Input, Origin, Output, RunRecorder, mapped_position
from dagy_types.errors import ArtifactError

_LEFT_OUT = "Left out: only what failed is run again."


class Skip(NamedTuple):
    """A task does not run, and has no output."""

    reason: str


class Reuse(NamedTuple):
    """A task does not run: its output is there.

    Attributes:
        output: ``None`` when nobody will ask for it.
    """

    origin: Origin
    output: Output | None


class Shortcuts:
    """Finds the tasks of a run that need not run.

    Args:
        recorder: Where outputs of earlier calls are found.
    """

    def __init__(
        self,
        resumption: Resumption,
        recorder: RunRecorder,
        serializers: Serializers,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._resumption = resumption
        self._recorder = recorder
        self._serializers = serializers
        self._now = now
        self._keys: dict[str, str] = {}
        positions = map(mapped_position, resumption.origins)
        parents = {position[0] for position in positions if position is not None}
        self._done = parents.union(resumption.origins, resumption.standing)

    def may_concern(self, call: TaskCall) -> bool:
        """Tell at little cost whether there may be something to find for the tasks of a call."""
        resumption, options = self._resumption, call.task.options
        return bool(
            options.cache or options.conditions or resumption.origins or resumption.left_out
        )

    def of_earlier_run(self, task_id: str) -> Skip | Reuse | None:
        """Return what is decided by the run that this one resumes."""
        if task_id in self._resumption.left_out:
            return Skip(_LEFT_OUT)
        origin = self._resumption.origins.get(task_id)
        if origin is None:
            return None
        return Reuse(origin, self._resumption.outputs.get(task_id))

    def are_of_earlier_run(self, task_id: str) -> bool:
        """Tell whether the run that this one resumes had done a task, or children of it."""
        return task_id in self._done

    def by_condition(self, call: TaskCall, inputs: Callable[[str], Input]) -> Skip | None:
        """Return whether the conditions of a task keep it from running.

        What restoring a value or asking for its truth raises is passed on.
        """

        def value_of(placeholder: TaskOutput) -> Any:
            return self._serializers.restore_input(inputs(placeholder.task_id))

        reason = why_skipped(call.task.options.conditions, value_of)
        return None if reason is None else Skip(reason)

    def in_cache(self, call: TaskCall, attempt: Attempt) -> Reuse | None:
        """Return the output of an earlier call with the same inputs; remember the key if none.

        Raises:
            ArtifactError: When the inputs have no exact encoding, so that there is no key.
            StoreError: When the record of earlier calls cannot be read.
        """
        options, key = call.task.options, self._key_of(call, attempt)
        ttl = options.cache_ttl
        since = None if ttl is None else self._now() - timedelta(seconds=ttl)
        try:
            found = self._recorder.find_cached(key, since=since)
        except ArtifactError:
            found = None  # somebody removed the file: it is made anew
        if found is not None:
            return Reuse(*found)
        self._keys[attempt.task_id] = key
        return None

    def take_cache_key(self, task_id: str) -> str | None:
        """Return under which key others are to find the output of a task, once."""
        return self._keys.pop(task_id, None) if self._keys else None

    def _key_of(self, call: TaskCall, attempt: Attempt) -> str:
        function = call.task.function
        try:
            arguments = {
                name: self._encoded(value, attempt)
                for name, value in _named_values(call, attempt).items()
            }
        except ArtifactError:
            raise
        except BaseException as error:  # an author's serializer may raise anything
            raise ArtifactError(f"An input cannot be compared: {summary(error)}.") from error
        code = call.task.code_hash if call.task.options.cache == "inputs+code" else None
        return cache_key(f"{function.__module__}:{function.__qualname__}", code, arguments)

    def _encoded(self, value: Any, attempt: Attempt) -> tuple[str, bytes]:
        if isinstance(value, TaskOutput) and isinstance(attempt.inputs[value.task_id], Output):
            value = attempt.inputs[value.task_id]
        if isinstance(value, Output):
            return value.serializer, value.data
        if type(value) is tuple:  # what a function takes as *args: items may be among it
            value = tuple(
                self._serializers.restore(each) if isinstance(each, Output) else each
                for each in value
            )
        restored = self._serializers.restorer(attempt.inputs)
        return "json", BUILT_IN["json"].encode(rebuild(value, restored))


def _named_values(call: TaskCall, attempt: Attempt) -> dict[str, Any]:
    """Return the arguments by name, still with placeholders and encoded items in them."""
    args = call.args
    if attempt.index is not None:
        args = tuple(
            value[attempt.index] if item is None else item
            for value, item in zip(call.args, attempt.items, strict=True)
        )
    return call.task.signature.named(args, call.kwargs, with_defaults=True)
