"""Values that options of tasks and flows can have; others raise `FlowDefinitionError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from dagy._policy import Delays, RetryDelay, retry_delays, seconds_or_refuse
from dagy._task_output import TaskOutput
from dagy_types.errors import FlowDefinitionError


class RetryOptions(Protocol):
    """The options that say how something is tried again."""

    @property
    def retries(self) -> int: ...

    @property
    def retry_delay_seconds(self) -> RetryDelay: ...

    @property
    def retry_jitter_factor(self) -> float | None: ...

    @property
    def retry_condition_fn(self) -> Callable[[Exception], bool] | None: ...


def require_whole_number(name: str, value: Any, *, least: int) -> None:
    """Refuse what is no whole number, or less than ``least``."""
    if type(value) is not int or value < least:
        raise FlowDefinitionError(f"{name} must be a whole number from {least}; got {value!r}.")


def require_time_limit(value: Any, *, name: str = "timeout_seconds") -> None:
    """Refuse what is no number of seconds above 0; nothing at all is fine."""
    if value is not None and not seconds_or_refuse(name, value):
        raise FlowDefinitionError(f"{name} must be more than 0.", hint="Leave it out for no limit.")


def checked_retries(options: RetryOptions) -> Delays:
    """Return how long to wait before each retry, or refuse what cannot be meant."""
    require_whole_number("retries", options.retries, least=0)
    factor = options.retry_jitter_factor
    if factor is not None and not (_is_number(factor) and 0 <= factor <= 1):
        raise FlowDefinitionError(f"retry_jitter_factor must be from 0 to 1; got {factor!r}.")
    condition = options.retry_condition_fn
    if condition is not None and not callable(condition):
        raise FlowDefinitionError(
            f"retry_condition_fn must be a function; got {condition!r}.",
            hint="It gets the exception and returns whether to try again.",
        )
    return retry_delays(options.retries, options.retry_delay_seconds)


def require_text(name: str, value: Any) -> None:
    """Refuse what is no text; nothing at all is fine."""
    if value is not None and not isinstance(value, str):
        raise FlowDefinitionError(f"{name} must be text; got {value!r}.")


def require_outputs(name: str, value: Any) -> None:
    """Refuse what is no list of task outputs."""
    is_list = isinstance(value, (list, tuple))
    if not is_list or not all(isinstance(each, TaskOutput) for each in value):
        raise FlowDefinitionError(
            f"{name} must be a list of outputs of tasks; got {value!r}.",
            hint="An output is what a task's call returns in the flow's body.",
        )


def require_choice(name: str, value: Any, choices: Sequence[Any], *, hint: str) -> None:
    """Refuse what is none of the choices."""
    if value not in choices:
        shown = ", ".join(repr(choice) for choice in choices)
        raise FlowDefinitionError(f"{name} must be one of {shown}; got {value!r}.", hint=hint)


def require_tags(tags: Any) -> None:
    """Refuse what is no mapping of text to text."""
    is_mapping = isinstance(tags, Mapping)
    if not is_mapping or not all(
        isinstance(key, str) and isinstance(value, str) for key, value in tags.items()
    ):
        raise FlowDefinitionError(
            f"tags must be a dictionary of text to text; got {tags!r}.",
            hint="For example tags={'team': 'data'}.",
        )


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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
