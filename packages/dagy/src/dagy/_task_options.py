"""How the attempts of a task are made: retries, time limits, hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from dagy._hooks import Hook
from dagy._option_checks import (
    require_factor,
    require_hooks,
    require_time_limit,
    require_whole_number,
)
from dagy._policy import RetryDelay, retry_delays
from dagy._serializers import serializer_for
from dagy._task_output import TaskOutput
from dagy_types import Serializer
from dagy_types.errors import FlowDefinitionError

_HOOK_LISTS = ("on_running", "on_completion", "on_failure", "on_retry")


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """The options of a task; see `dagy.task` for their meaning.

    Attributes:
        writer: The serializer that ``serializer`` names or is.
        delays: Seconds before each retry, worked out from ``retries`` and ``retry_delay_seconds``.

    Raises:
        FlowDefinitionError: When an option has a value that it cannot have.
    """

    retries: int = 0
    retry_delay_seconds: RetryDelay = None
    retry_jitter_factor: float | None = None
    timeout_seconds: float | None = None
    concurrency_limit: int | None = None
    validate_parameters: bool = True
    on_running: Sequence[Hook] | None = None
    on_completion: Sequence[Hook] | None = None
    on_failure: Sequence[Hook] | None = None
    on_retry: Sequence[Hook] | None = None
    retry_condition_fn: Callable[[Exception], bool] | None = None
    serializer: str | Serializer = "json"
    after: Sequence[TaskOutput] = ()
    writer: Serializer = field(init=False)
    delays: tuple[float, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        require_whole_number("retries", self.retries, least=0)
        if self.concurrency_limit is not None:
            require_whole_number("concurrency_limit", self.concurrency_limit, least=1)
        if self.timeout_seconds is not None:
            require_time_limit(self.timeout_seconds)
        if self.retry_jitter_factor is not None:
            require_factor(self.retry_jitter_factor)
        for name in _HOOK_LISTS:
            require_hooks(name, getattr(self, name))
        condition = self.retry_condition_fn
        if condition is not None and not callable(condition):
            raise FlowDefinitionError(
                f"retry_condition_fn must be a function; got {condition!r}.",
                hint="It gets the exception and returns whether to try again.",
            )
        delays = retry_delays(self.retries, self.retry_delay_seconds)
        object.__setattr__(self, "delays", delays)
        object.__setattr__(self, "writer", serializer_for(self.serializer))

    def changed(self, **changes: Any) -> TaskOptions:
        """Return these options with some replaced.

        Raises:
            FlowDefinitionError: When there is no such option, or a value is wrong.
        """
        known = [each.name for each in fields(self) if each.init]
        for name in changes:
            if name not in known:
                raise FlowDefinitionError(
                    f"A task has no option {name!r}.", hint=f"Its options: {', '.join(known)}."
                )
        return replace(self, **changes)
