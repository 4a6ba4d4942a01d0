"""`@flow`: a function whose task calls are the graph of a flow."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from dagy._flow_options import FlowOptions
from dagy._hooks import Hook
from dagy._option_checks import require_text
from dagy._parameters import Parameters
from dagy._policy import RetryDelay
from dagy._surroundings import surroundings
from dagy._task import first_line, refuse_generators
from dagy._tracing import Graph, current_trace, trace
from dagy.local._result import RunResult
from dagy.local._resume import resume_flow
from dagy.local._run import run_flow
from dagy_types.errors import FlowDefinitionError

if TYPE_CHECKING:
    from dagy.deploy import Deployed
    from dagy_types import TokenSource

P = ParamSpec("P")
R = TypeVar("R")

_CONTROL_KEYWORDS = ("max_workers", "fail_fast", "executor")


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
        for option, text in (("name", name), ("version", version), ("description", description)):
            require_text(option, text)
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
        self,
        *,
        max_workers: int | None = None,
        fail_fast: bool | None = None,
        executor: str | None = None,
        **parameters: Any,
    ) -> RunResult:
        """Run the flow on this machine, recorded in the local store.

        Args:
            max_workers: How many tasks may run at once; by default what the flow says, and else
                ``min(32, CPUs + 4)``.
            fail_fast: Whether the first failure ends the run; by default what the flow says, and
                else so it does. Otherwise every task that does not depend on a failed one still
                runs, and a failed run is returned.
            executor: What tasks run in, ``threads`` or ``processes``; by default what the flow
                says.
            parameters: The flow's parameters.

        Raises:
            UsageError: When a parameter is missing, unknown or of the wrong type.
            FlowDefinitionError: When the graph cannot be traced.
            TaskFailedError: When a task fails and ``fail_fast`` is set.
            StoreError: When the run cannot be recorded.
        """
        with surroundings().open_store() as store:
            result = run_flow(
                self,
                parameters,
                recorder=store,
                max_workers=max_workers,
                fail_fast=fail_fast,
                executor=executor,
            )
        return self._checked(result, fail_fast)

    def resume(
        self,
        run_id: str,
        *,
        from_task: str | None = None,
        only_failed: bool = False,
        accept_code_change: bool = False,
        max_workers: int | None = None,
        fail_fast: bool | None = None,
        executor: str | None = None,
    ) -> RunResult:
        """Run what an earlier run in the local store has not done, as a new run linked to it.

        Args:
            run_id: The earlier run; it has ended, in whatever way.
            from_task: A task that runs again though it succeeded, with all that builds on it.
            only_failed: Run only what failed and what builds on it; skip what had never started.
            accept_code_change: Reuse outputs even if the code that made them has changed since.
            max_workers: As for `run_local`, and so are ``fail_fast`` and ``executor``.

        Raises:
            NotFoundError: When there is no such run or task.
            ConflictError: When the run has not ended, is being resumed, has nothing left to do, or
                when code has changed.
            TaskFailedError: When a task fails and ``fail_fast`` is set.
            StoreError: When the run cannot be recorded.
        """
        with surroundings().open_store() as store:
            result = resume_flow(
                self,
                run_id,
                reader=store,
                recorder=store,
                from_task=from_task,
                only_failed=only_failed,
                accept_code_change=accept_code_change,
                max_workers=max_workers,
                fail_fast=fail_fast,
                executor=executor,
            )
        return self._checked(result, fail_fast)

    def deploy(
        self,
        *,
        name: str | None = None,
        namespace: str | None = None,
        tags: Mapping[str, str] | None = None,
        api_url: str | None = None,
        auth: str | TokenSource | None = None,
    ) -> Deployed:
        """Build an archive of the flow and deploy it; ``pip install 'dagy[deploy]'`` is needed.

        `dagy.build_artifact` and then `dagy.deploy.deploy_artifact` do the same; see the latter.

        Args:
            name: That of the deployment; by default the flow's own.
            namespace: By default the way from the current directory to that of the flow's file, as
                in ``data/ingestion``; of a version that is registered already, the one it has.
        """
        from dagy.deploy import deploy_flow  # who runs flows here does not need it

        return deploy_flow(
            self, name=name, namespace=namespace, tags=tags, api_url=api_url, auth=auth
        )

    def _checked(self, result: RunResult, fail_fast: bool | None) -> RunResult:
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
    executor: str = "threads",
    retries: int = 0,
    retry_delay_seconds: RetryDelay = None,
    retry_jitter_factor: float | None = None,
    retry_condition_fn: Callable[[Exception], bool] | None = None,
    timeout_seconds: float | None = None,
    validate_parameters: bool = True,
    on_running: Sequence[Hook] | None = None,
    on_completion: Sequence[Hook] | None = None,
    on_failure: Sequence[Hook] | None = None,
    on_retry: Sequence[Hook] | None = None,
    tags: Mapping[str, str] = ...,
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
        executor: What tasks run in: ``threads``, or ``processes`` for work that needs more than one
            CPU or has to be killed when its time is up.
        retries: How often all that has failed is tried again, in the same run, once what else can
            run has ended; with ``fail_fast`` once what is running has. Each task has its own
            retries again.
        retry_delay_seconds: How long to wait before that, in the forms that `dagy.task` knows.
        retry_jitter_factor: From 0 to 1: a random share, at most this, is added to each delay.
        retry_condition_fn: Told what a task raised, returns whether that is worth it.
        timeout_seconds: After this time a run is stopped, and ``FAILED`` with the reason
            ``timed_out``.
        validate_parameters: Whether parameters are checked against the annotations.
        on_running: Called when a run starts.
        on_completion: Called when every task has succeeded.
        on_failure: Called when the run has failed.
        on_retry: Called before what has failed is tried again.
        tags: Text by name, for those who look at the flow.

    Raises:
        FlowDefinitionError: When the function cannot be a flow, or an option has a wrong value.
    """
    known = [each.name for each in fields(FlowOptions) if each.init]
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
