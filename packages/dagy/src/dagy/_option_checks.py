"""Values that options of tasks and flows can have; others raise `FlowDefinitionError`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagy._policy import seconds_or_refuse
from dagy_types.errors import FlowDefinitionError


def require_whole_number(name: str, value: Any, *, least: int) -> None:
    """Refuse what is no whole number, or less than ``least``."""
    if type(value) is not int or value < least:
        raise FlowDefinitionError(f"{name} must be a whole number from {least}; got {value!r}.")


def require_time_limit(value: Any) -> None:
    """Refuse what is no number of seconds above 0."""
    if not seconds_or_refuse("timeout_seconds", value):
        raise FlowDefinitionError(
            "timeout_seconds must be more than 0.", hint="Leave it out to set no limit."
        )


def require_factor(value: Any) -> None:
    """Refuse what is no number from 0 to 1."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1:
        raise FlowDefinitionError(f"retry_jitter_factor must be from 0 to 1; got {value!r}.")


def require_hooks(name: str, hooks: Any) -> None:
    """Refuse what is no list of functions; nothing at all is fine."""
    if hooks is None:
        return
    is_list = isinstance(hooks, Sequence) and not isinstance(hooks, str)
    if not is_list or not all(map(callable, hooks)):
        raise FlowDefinitionError(
            f"{name} must be a list of functions; got {hooks!r}.",
            hint="Each is called with a RunContext and a State.",
        )
