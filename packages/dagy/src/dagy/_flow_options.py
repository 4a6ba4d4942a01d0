"""How the runs of a flow are carried out, unless a run is told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dagy._hooks import Hook
from dagy._option_checks import require_hooks, require_time_limit, require_whole_number


@dataclass(frozen=True, kw_only=True)
class FlowOptions:
    """The options of a flow; see `dagy.flow` for their meaning.

    Raises:
        FlowDefinitionError: When an option has a value that it cannot have.
    """

    max_workers: int | None = None
    fail_fast: bool = True
    timeout_seconds: float | None = None
    validate_parameters: bool = True
    on_running: Sequence[Hook] | None = None
    on_completion: Sequence[Hook] | None = None
    on_failure: Sequence[Hook] | None = None

    def __post_init__(self) -> None:
        if self.max_workers is not None:
            require_whole_number("max_workers", self.max_workers, least=1)
        if self.timeout_seconds is not None:
            require_time_limit(self.timeout_seconds)
        for name in ("on_running", "on_completion", "on_failure"):
            require_hooks(name, getattr(self, name))
