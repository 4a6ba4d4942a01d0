"""`@task`: a function whose calls in a flow become tasks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from dagy._tracing import current_trace
from dagy_types.errors import FlowDefinitionError

P = ParamSpec("P")
R = TypeVar("R")


class Task(Generic[P, R]):
    """A task. Called in a flow's body it adds itself to the flow; anywhere else it just runs.

    Args:
        function: What the task does.
        name: How people see it; the function's name by default.
        description: What it is for; the first line of the function's docstring by default.

    Raises:
        FlowDefinitionError: When the function is a coroutine or generator function.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        refuse_unusual_function(function, "task")
        self.function = function
        self.name = name or function.__name__
        self.description = description or first_line(function.__doc__)
        self._signature = inspect.signature(function)
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
            self._signature.bind(*args, **kwargs)
        except TypeError as error:  # told here, at the line of the call, and not when the task runs
            raise TypeError(f"task {self.name!r}: {error}") from None
        return cast(R, trace.add(self, args, kwargs))


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(
    *, name: str | None = None, description: str | None = None
) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
) -> Any:
    """Make a function a task, as ``@task`` or ``@task(name=…)``; see `Task` for the arguments."""
    if function is None:
        return lambda decorated: Task(decorated, name=name, description=description)
    return Task(function, name=name, description=description)


def refuse_unusual_function(function: Callable[..., Any], kind: str) -> None:
    """Raise `FlowDefinitionError` for functions whose call does not give the result."""
    if not callable(function):
        raise FlowDefinitionError(
            f"@{kind} decorates functions; this is a {type(function).__name__}."
        )
    for is_unusual, what in (
        (inspect.iscoroutinefunction, "a coroutine function"),
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
