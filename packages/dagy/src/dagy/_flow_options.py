"""How the runs of a flow are carried out, unless a run is told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dagy._hooks import Hook
from dagy._option_checks import (
    checked_retries,
    require_choice,
    require_hooks,
    require_tags,
    require_time_limit,
    require_whole_number,
)
from dagy._policy import Delays, RetryDelay

EXECUTORS = ("threads", "processes")
_HOOK_LISTS = ("on_running", "on_completion", "on_failure", "on_retry")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FlowOptions:
    """The options of a flow; see `dagy.flow` for their meaning.

    Attributes:
        delays: How long to wait before each retry, worked out from ``retries`` and
            ``retry_delay_seconds``.

    Raises:
        FlowDefinitionError: When an option has a value that it cannot have.
    """

    max_workers: int | None = None
    fail_fast: bool = True
    executor: str = "threads"
    retries: int = 0
    retry_delay_seconds: RetryDelay = None
    retry_jitter_factor: float | None = None
    retry_condition_fn: Callable[[Exception], bool] | None = None
    timeout_seconds: float | None = None
    validate_parameters: bool = True
    on_running: Sequence[Hook] | None = None
    on_completion: Sequence[Hook] | None = None
    on_failure: Sequence[Hook] | None = None
    on_retry: Sequence[Hook] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    delays: Delays = field(init=False, default=Delays())

    def __post_init__(self) -> None:
        if self.max_workers is not None:
            require_whole_number("max_workers", self.max_workers, least=1)
        require_choice("executor", self.executor, EXECUTORS, hint="Leave it out for threads.")
        require_time_limit(self.timeout_seconds)
        for name in _HOOK_LISTS:
            require_hooks(name, getattr(self, name))
        require_tags(self.tags)
        object.__setattr__(self, "delays", checked_retries(self))
