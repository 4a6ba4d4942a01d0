"""`@task`: a function whose calls in a flow become tasks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from dagy._argument_check import ArgumentCheck
from dagy._hooks import Hook
from dagy._policy import RetryDelay
from dagy._task_options import TaskOptions
from dagy._tracing import current_trace
from dagy_types import Serializer
from dagy_types.errors import FlowDefinitionError

P = ParamSpec("P")
R = TypeVar("R")


class Task(Generic[P, R]):
    """A task. Called in a flow's body it adds itself to the flow; anywhere else it just runs.

    Args:
        function: What the task does; a coroutine function runs in an event loop of its own.
        name: How people see it; the function's name by default.
        description: What it is for; the first line of the function's docstring by default.
        options: How its attempts are made.

    Raises:
        FlowDefinitionError: When the function is a generator function.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        options: TaskOptions | None = None,
    ) -> None:
        refuse_generators(function, "task")
        self.function = function
        self.name = name or function.__name__
        self.description = description or first_line(function.__doc__)
        self.options = options or TaskOptions()
        self.signature = inspect.signature(function)
        self.argument_check = ArgumentCheck(self.name, function)
        functools.update_wrapper(self, function)

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function; in a flow's body, add a task and return its `TaskOutput` instead.

        The declared type is the function's own, so that type checkers follow values through a flow.
        """
        trace = current_trace()
        if trace is None:
            return self.function(*args, **kwargs)
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:  # told here, at the line of the call, and not when the task runs
            raise TypeError(f"task {self.name!r}: {error}") from None
        return cast(R, trace.add(self, args, kwargs))

    def with_options(
        self, *, name: str | None = None, description: str | None = None, **options: Any
    ) -> Task[P, R]:
        """Return the same task with some of its options replaced, for one call or for many.

        Args:
            options: Those of `task`, and ``after``: outputs that must be there before this task
                starts, though it does not use them.

        Raises:
            FlowDefinitionError: When there is no such option, or a value is wrong.
        """
        return Task(
            self.function,
            name=name or self.name,
            description=description or self.description,
            options=self.options.changed(**options),
        )


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(
    *,
    name: str | None = None,
    description: str | None = None,
    retries: int = 0,
    retry_delay_seconds: RetryDelay = None,
    retry_jitter_factor: float | None = None,
    timeout_seconds: float | None = None,
    concurrency_limit: int | None = None,
    validate_parameters: bool = True,
    serializer: str | Serializer = "json",
    on_running: Sequence[Hook] | None = None,
    on_completion: Sequence[Hook] | None = None,
    on_failure: Sequence[Hook] | None = None,
    on_retry: Sequence[Hook] | None = None,
    retry_condition_fn: Callable[[Exception], bool] | None = None,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    **options: Any,
) -> Any:
    """Make a function a task, as ``@task`` or ``@task(retries=2, …)``.

    Args:
        name: How people see it; the function's name by default.
        description: What it is for; the first line of the function's docstring by default.
        retries: How many more attempts follow a failed one.
        retry_delay_seconds: How long to wait before each retry: a number for all of them, a list
            with one for each (the last repeats), a function from the number of retries to such a
            list, or nothing for no wait. A waiting task occupies no worker.
        retry_jitter_factor: From 0 to 1: a random share, at most this, is added to each delay.
        timeout_seconds: After this time an attempt counts as failed, with `TaskTimeoutError`. A
            thread cannot be killed: it is interrupted as soon as it runs Python code again.
        concurrency_limit: How many attempts of this task may run at once in a run.
        validate_parameters: Whether arguments are checked against the annotations before a run of
            the function.
        serializer: How the output is kept: ``json``, with typed extensions and exact; ``pickle``,
            for what JSON cannot hold; or a `dagy_types.Serializer` of your own.
        on_running: Called when an attempt starts.
        on_completion: Called when the task has succeeded.
        on_failure: Called when the task has failed, after the last attempt.
        on_retry: Called before each retry.
        retry_condition_fn: Told the exception, returns whether a retry is worth it.

    Raises:
        FlowDefinitionError: When the function cannot be a task, or an option has a wrong value.
    """
    checked = TaskOptions().changed(**options)
    if function is None:
        return lambda decorated: Task(
            decorated, name=name, description=description, options=checked
        )
    return Task(function, name=name, description=description, options=checked)


def refuse_generators(function: Callable[..., Any], kind: str) -> None:
    """Raise `FlowDefinitionError` for functions that give their results one by one."""
    if not callable(function):
        raise FlowDefinitionError(
            f"@{kind} decorates functions; this is a {type(function).__name__}."
        )
    for is_unusual, what in (
        (inspect.isasyncgenfunction, "an asynchronous generator function"),
        (inspect.isgeneratorfunction, "a generator function"),
    ):
        if is_unusual(function):
            raise FlowDefinitionError(
                f"@{kind} cannot decorate {function.__name__!r}: it is {what}.",
                hint="Use a plain function that returns its result, a list for instance.",
            )


def first_line(docstring: str | None) -> str | None:
    """Return the first line that says something."""
    lines = (docstring or "").strip().splitlines()
    return lines[0].strip() if lines else None
