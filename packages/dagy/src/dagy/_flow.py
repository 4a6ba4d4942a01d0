"""`@flow`: a function whose task calls are the graph of a flow."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from dagy._flow_options import FlowOptions
from dagy._hooks import Hook
from dagy._local_logger import LocalLogger
from dagy._parameters import Parameters
from dagy._task import first_line, refuse_generators
from dagy._tracing import Graph, current_trace, trace
from dagy.local._run import RunResult, run_flow
from dagy_store import LocalMetadataStore
from dagy_types.errors import FlowDefinitionError

P = ParamSpec("P")
R = TypeVar("R")

_CONTROL_KEYWORDS = ("max_workers", "fail_fast")


class Flow(Generic[P, R]):
    """A flow. Its function's body is run once per run, to trace the graph of its task calls.

    Args:
        function: The body; its parameters are the flow's parameters, checked by their annotations.
        name: How people see it; the function's name by default.
        version: Which revision of the flow this is.
        description: What it is for; the first line of the function's docstring by default.
        options: How its runs are carried out.

    Raises:
        FlowDefinitionError: When the function cannot be a flow's body.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        version: str = "latest",
        description: str | None = None,
        options: FlowOptions | None = None,
    ) -> None:
        refuse_generators(function, "flow")
        if inspect.iscoroutinefunction(function):
            raise FlowDefinitionError(
                f"@flow cannot decorate {function.__name__!r}: it is a coroutine function.",
                hint="A flow's body only calls tasks; the tasks may be coroutine functions.",
            )
        self.function = function
        self.name = name or function.__name__
        self.version = version
        self.description = description or first_line(function.__doc__)
        self.options = options or FlowOptions()
        self.parameters = Parameters(
            self.name, function, are_checked=self.options.validate_parameters
        )
        for keyword in _CONTROL_KEYWORDS:
            if keyword in self.parameters.names:
                raise FlowDefinitionError(
                    f"Flow {self.name!r} has a parameter {keyword!r}, which run_local uses itself.",
                    hint=f"Rename the parameter, for instance to flow_{keyword}.",
                )
        functools.update_wrapper(self, function)

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run here and return the flow's value; in another flow's body, add this flow's tasks.

        Raises:
            UsageError: When a parameter is missing, unknown or of the wrong type.
            TaskFailedError: When a task fails.
        """
        parameters = self.parameters.from_call(args, kwargs)
        outer = current_trace()
        if outer is None:
            return cast(R, self.run_local(**parameters).result())
        with outer.inside(self):
            return cast(Callable[..., R], self.function)(**parameters)

    def trace(self, parameters: Mapping[str, Any]) -> Graph:
        """Return the graph that these (complete) parameters give."""
        return trace(self, parameters)

    def parse_parameters(
        self, texts: Mapping[str, str], values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Read parameters from where they have no Python type.

        Args:
            texts: Parameters as typed on a command line, each read by its annotation.
            values: Parameters from a JSON object; ``texts`` win over them.

        Raises:
            UsageError: When a parameter is missing, unknown or of the wrong type.
        """
        return self.parameters.parse(texts, values)

    def run_local(
        self, *, max_workers: int | None = None, fail_fast: bool | None = None, **parameters: Any
    ) -> RunResult:
        """Run the flow in this process, recorded in the local store.

        Args:
            max_workers: How many tasks may run at once; by default what the flow says, and else
                ``min(32, CPUs + 4)``.
            fail_fast: Whether the first failure ends the run; by default what the flow says, and
                else so it does. Otherwise every task that does not depend on a failed one still
                runs, and a failed run is returned.
            parameters: The flow's parameters.

        Raises:
            UsageError: When a parameter is missing, unknown or of the wrong type.
            FlowDefinitionError: When the graph cannot be traced.
            TaskFailedError: When a task fails and ``fail_fast`` is set.
            StoreError: When the run cannot be recorded.
        """
        with LocalMetadataStore() as store:
            result = run_flow(
                self,
                parameters,
                recorder=store,
                logger=LocalLogger.from_environment(),
                max_workers=max_workers,
                fail_fast=fail_fast,
            )
        if self.options.fail_fast if fail_fast is None else fail_fast:
            result.raise_for_status()
        return result


@overload
def flow(function: Callable[P, R], /) -> Flow[P, R]: ...


@overload
def flow(
    *,
    name: str | None = None,
    version: str = "latest",
    description: str | None = None,
    max_workers: int | None = None,
    fail_fast: bool = True,
    timeout_seconds: float | None = None,
    validate_parameters: bool = True,
    on_running: Sequence[Hook] | None = None,
    on_completion: Sequence[Hook] | None = None,
    on_failure: Sequence[Hook] | None = None,
) -> Callable[[Callable[P, R]], Flow[P, R]]: ...


def flow(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    version: str = "latest",
    description: str | None = None,
    **options: Any,
) -> Any:
    """Make a function a flow, as ``@flow`` or ``@flow(name=…)``.

    Args:
        name: How people see it; the function's name by default.
        version: Which revision of the flow this is.
        description: What it is for; the first line of the function's docstring by default.
        max_workers: How many tasks may run at once; ``min(32, CPUs + 4)`` by default.
        fail_fast: Whether the first failure ends a run.
        timeout_seconds: After this time a run is stopped, and ``FAILED`` with the reason
            ``timed_out``.
        validate_parameters: Whether parameters are checked against the annotations.
        on_running: Called when a run starts.
        on_completion: Called when every task has succeeded.
        on_failure: Called when the run has failed.

    Raises:
        FlowDefinitionError: When the function cannot be a flow, or an option has a wrong value.
    """
    known = [each.name for each in fields(FlowOptions)]
    for option in options:
        if option not in known:
            raise FlowDefinitionError(
                f"A flow has no option {option!r}.", hint=f"Its options: {', '.join(known)}."
            )
    checked = FlowOptions(**options)
    make = functools.partial(
        Flow, name=name, version=version, description=description, options=checked
    )
    return make if function is None else make(function)
