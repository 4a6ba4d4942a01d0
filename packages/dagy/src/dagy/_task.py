"""`@task`: a function whose calls in a flow become tasks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from dagy._argument_check import ArgumentCheck
from dagy._call_signature import CallSignature
from dagy._code_hash import code_hash
from dagy._condition import Condition
from dagy._hooks import Hook
from dagy._option_checks import require_text
from dagy._policy import RetryDelay
from dagy._task_options import TaskOptions
from dagy._task_output import TaskOutput
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
        require_text("name", name)
        require_text("description", description)
        self.function = function
        self.name = name or function.__name__
        self.description = description or first_line(function.__doc__)
        self.options = options or TaskOptions()
        self.signature = CallSignature(function)
        self.code_hash = code_hash(function)
        self.argument_check = ArgumentCheck(self.name, function, self.signature)
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
        self._require_callable_with(args, kwargs)
        return cast(R, trace.add(self, args, kwargs))

    def map(self, *lists: Any, **same: Any) -> list[R]:
        """Call the task once for each item: as `map`, but known only when the flow runs.

        Each call is a task of its own, with its own record, retries and place under a limit. Their
        results are a list in the order of the items; an empty list gives an empty one.

        Args:
            lists: What the positional arguments are taken from, item by item: lists, tuples, or
                outputs of tasks that are such when they are there. All have the same length.
            same: Keyword arguments, the same for every call.

        Raises:
            FlowDefinitionError: When there is nothing to map over, or it is no list.
        """
        if not lists:
            raise FlowDefinitionError(
                f"Task {self.name!r} has nothing to map over.", hint="Give map one list or more."
            )
        lists = tuple(self._mappable(each) for each in lists)
        trace = current_trace()
        if trace is None:
            return [self.function(*items, **same) for items in zip(*lists, strict=True)]
        self._require_callable_with(lists, same)
        return cast(list[R], trace.add(self, lists, same, is_mapped=True))

    def run_if(self, output: Any) -> Task[P, R]:
        """Return the same task, to run only if this output of another task is true.

        Otherwise it is ``SKIPPED``, and so is everything that needs what it would have returned;
        the run can succeed all the same.
        """
        return self._on_condition("run_if", output, runs_when=True)

    def skip_if(self, output: Any) -> Task[P, R]:
        """Return the same task, to run only if this output of another task is false."""
        return self._on_condition("skip_if", output, runs_when=False)

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

    def _on_condition(self, name: str, output: Any, *, runs_when: bool) -> Task[P, R]:
        if not isinstance(output, TaskOutput):
            raise FlowDefinitionError(
                f"Task {self.name!r}: {name} needs the output of a task; got {output!r}.",
                hint="For what is known in the flow's body, write a plain if there.",
            )
        condition = Condition(name, output, runs_when)
        options = replace(self.options, conditions=(*self.options.conditions, condition))
        return Task(self.function, name=self.name, description=self.description, options=options)

    def _require_callable_with(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        try:
            self.signature.require(args, kwargs)
        except TypeError as error:  # told here, at the line of the call, and not when the task runs
            raise TypeError(f"task {self.name!r}: {error}") from None

    def _mappable(self, value: Any) -> Any:
        if isinstance(value, range):
            return list(value)
        if isinstance(value, (TaskOutput, list, tuple)):
            return value
        raise FlowDefinitionError(
            f"Task {self.name!r} cannot map over a value of type {type(value).__name__}.",
            hint="Map over a list, a tuple or a task's output; pass what is the same by keyword.",
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
    executor: str | None = None,
    cache: str | None = None,
    cache_ttl: float | None = None,
    tags: Mapping[str, str] = ...,
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
        executor: Where a control plane had best run it: ``lambda``, ``step-functions`` or ``ecs``.
            Local runs take no notice.
        cache: ``inputs`` to reuse the output of an earlier call of this task with equal arguments,
            in any run; ``inputs+code`` if its code is the same, too.
        cache_ttl: How many seconds an output may be reused; no limit by default.
        tags: Text by name, for those who look at the flow.
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
