"""How the attempts of a task are made: retries, time limits, hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from dagy._condition import Condition
from dagy._hooks import Hook
from dagy._option_checks import (
    checked_retries,
    require_choice,
    require_hooks,
    require_outputs,
    require_tags,
    require_time_limit,
    require_whole_number,
)
from dagy._policy import Delays, RetryDelay
from dagy._serializers import serializer_for
from dagy._task_output import TaskOutput
from dagy_types import Serializer
from dagy_types.errors import FlowDefinitionError

_BACKENDS = ("lambda", "step-functions", "ecs")
_BACKENDS_HINT = "Threads or processes are chosen for the whole flow: @flow(executor='processes')."
_CACHES = (None, "none", "inputs", "inputs+code")
_HOOK_LISTS = ("on_running", "on_completion", "on_failure", "on_retry")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TaskOptions:
    """The options of a task; see `dagy.task` for their meaning.

    Attributes:
        writer: The serializer that ``serializer`` names or is.
        delays: How long to wait before each retry, worked out from ``retries`` and
            ``retry_delay_seconds``.

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
    executor: str | None = None
    cache: str | None = None
    cache_ttl: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    after: Sequence[TaskOutput] = ()
    conditions: tuple[Condition, ...] = ()
    writer: Serializer = field(init=False)
    delays: Delays = field(init=False, default=Delays())

    def __post_init__(self) -> None:
        delays = checked_retries(self)
        if self.concurrency_limit is not None:
            require_whole_number("concurrency_limit", self.concurrency_limit, least=1)
        require_time_limit(self.timeout_seconds)
        for name in _HOOK_LISTS:
            require_hooks(name, getattr(self, name))
        require_choice("executor", self.executor, (None, *_BACKENDS), hint=_BACKENDS_HINT)
        require_choice("cache", self.cache, _CACHES, hint="Leave it out to cache nothing.")
        require_time_limit(self.cache_ttl, name="cache_ttl")
        require_tags(self.tags)
        require_outputs("after", self.after)
        object.__setattr__(self, "delays", delays)
        object.__setattr__(self, "writer", serializer_for(self.serializer))

    @property
    def has_hooks(self) -> bool:
        """Whether anybody is told how its attempts go."""
        return any(getattr(self, name) for name in _HOOK_LISTS)

    @property
    def is_cached(self) -> bool:
        """Whether an output may be taken from another task with the same inputs."""
        return self.cache not in (None, "none")

    def changed(self, **changes: Any) -> TaskOptions:
        """Return these options with some replaced.

        Raises:
            FlowDefinitionError: When there is no such option, or a value is wrong.
        """
        known = [each.name for each in fields(self) if each.init and each.name != "conditions"]
        for name in changes:
            if name not in known:
                raise FlowDefinitionError(
                    f"A task has no option {name!r}.", hint=f"Its options: {', '.join(known)}."
                )
        return replace(self, **changes)
