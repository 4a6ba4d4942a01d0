"""Which hooks are called when in a run, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from dagy._attempt import call_of, named_arguments
from dagy._attempt_context import AttemptContext
from dagy._hooks import Hook, HookRunner, RunContext, State, completed, failed, running
from dagy._serializers import Serializers
from dagy._task_options import TaskOptions
from dagy._tracing import Graph
from dagy_types import Attempt, Run


class FlowHooks(NamedTuple):
    """Who is told how the run goes, and of which parameters."""

    on_running: tuple[Hook, ...] = ()
    on_completion: tuple[Hook, ...] = ()
    on_failure: tuple[Hook, ...] = ()
    on_retry: tuple[Hook, ...] = ()
    parameters: Mapping[str, Any] = MappingProxyType({})


class HookCalls:
    """The hooks of one run's tasks and of its flow.

    Args:
        attempt_of: Returns the latest attempt of a task, while it is not settled.
        context_of: Returns as whose words a task's hooks speak; for ``None`` those of the flow.
    """

    def __init__(
        self,
        graph: Graph,
        run: Run,
        flow_hooks: FlowHooks,
        *,
        serializers: Serializers,
        attempt_of: Callable[[str], Attempt],
        context_of: Callable[[str | None], AttemptContext],
    ) -> None:
        self._graph = graph
        self._run = run
        self._flow_hooks = flow_hooks
        self._serializers = serializers
        self._attempt_of = attempt_of
        self._context_of = context_of
        self._runner = HookRunner()
        # Most flows have none, and asking every task would be a part of what a task costs.
        self._have_tasks_any = any(task.options.has_hooks for task in graph.tasks)
        self._attempt = 1  # of the run

    def attempt_starts(self, task_id: str, number: int) -> None:
        """Tell that an attempt starts, and that it is a retry if it is one."""
        if not self._have_tasks_any:
            return
        options = self._options(task_id)
        if number > 1:
            self._tell(task_id, options.on_retry, running(f"Attempt {number}."))
        self._tell(task_id, options.on_running, running())

    def task_succeeded(self, task_id: str) -> None:
        """Tell that a task has succeeded."""
        if not self._have_tasks_any:
            return
        self._tell(task_id, self._options(task_id).on_completion, completed())

    def task_failed(self, task_id: str, error: str) -> None:
        """Tell that a task has failed for good."""
        self._tell(task_id, self._options(task_id).on_failure, failed(error))

    def run_starts(self) -> None:
        """Tell that the run starts."""
        self._tell_of_flow(self._flow_hooks.on_running, running())

    def run_starts_again(self, attempt: int) -> None:
        """Tell that what failed in the run is tried again."""
        self._attempt = attempt
        self._tell_of_flow(self._flow_hooks.on_retry, running(f"Attempt {attempt}."))

    def run_succeeded(self) -> None:
        """Tell that the run has succeeded."""
        self._tell_of_flow(self._flow_hooks.on_completion, completed())

    def run_failed(self, error: str | None) -> None:
        """Tell that the run has failed."""
        self._tell_of_flow(self._flow_hooks.on_failure, failed(error))

    def finish(self, then: Callable[[], None]) -> bool:
        """Call ``then`` once all hooks have returned; tell whether there was any."""
        return self._runner.finish(then)

    def join(self) -> None:
        """Wait for the end of the hooks' thread, once all hooks have returned."""
        self._runner.join()

    def _options(self, task_id: str) -> TaskOptions:
        return call_of(self._graph.calls, task_id).task.options

    def _tell(self, task_id: str, hooks: Sequence[Hook] | None, state: State) -> None:
        if not hooks:
            return
        call, attempt = call_of(self._graph.calls, task_id), self._attempt_of(task_id)

        def told() -> RunContext:
            arguments = named_arguments(call, attempt, self._serializers)
            return RunContext(call.task.name, self._run.run_id, attempt.number, arguments)

        self._runner.call(tuple(hooks), told, state, self._context_of(task_id))

    def _tell_of_flow(self, hooks: tuple[Hook, ...], state: State) -> None:
        told = RunContext(
            self._run.flow_name, self._run.run_id, self._attempt, self._flow_hooks.parameters
        )
        self._runner.call(hooks, lambda: told, state, self._context_of(None))
