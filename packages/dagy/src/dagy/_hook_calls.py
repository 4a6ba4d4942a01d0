"""Which hooks are called when in a run, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagy._attempt import Restore, arguments_of
from dagy._attempt_context import AttemptContext
from dagy._hooks import Hook, HookRunner, RunContext, State, completed, failed, running
from dagy._tracing import Graph
from dagy_types import Output, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowHooks:
    """Who is told how the run goes, and of which parameters."""

    on_running: tuple[Hook, ...] = ()
    on_completion: tuple[Hook, ...] = ()
    on_failure: tuple[Hook, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


class HookCalls:
    """The hooks of one run's tasks and of its flow.

    Args:
        restore: Makes a new copy of the value of an output.
        inputs_of: Returns what a task gets from upstream, while it is not settled.
        context_of: Returns as whose words a task's hooks speak; for ``None`` those of the flow.
    """

    def __init__(
        self,
        graph: Graph,
        run: Run,
        flow_hooks: FlowHooks,
        *,
        restore: Restore,
        inputs_of: Callable[[str], Mapping[str, Output]],
        context_of: Callable[[str | None], AttemptContext],
    ) -> None:
        self._graph = graph
        self._run = run
        self._flow_hooks = flow_hooks
        self._restore = restore
        self._inputs_of = inputs_of
        self._context_of = context_of
        self._runner = HookRunner()

    def attempt_starts(self, task_id: str, number: int) -> None:
        """Tell that an attempt starts, and that it is a retry if it is one."""
        options = self._graph.calls[task_id].task.options
        if number > 1:
            self._tell(task_id, number, options.on_retry, running(f"Attempt {number}."))
        self._tell(task_id, number, options.on_running, running())

    def task_succeeded(self, task_id: str, number: int) -> None:
        """Tell that a task has succeeded."""
        hooks = self._graph.calls[task_id].task.options.on_completion
        self._tell(task_id, number, hooks, completed())

    def task_failed(self, task_id: str, number: int, error: str) -> None:
        """Tell that a task has failed for good."""
        hooks = self._graph.calls[task_id].task.options.on_failure
        self._tell(task_id, number, hooks, failed(error))

    def run_starts(self) -> None:
        """Tell that the run starts."""
        self._tell_of_flow(self._flow_hooks.on_running, running())

    def run_succeeded(self) -> None:
        """Tell that the run has succeeded."""
        self._tell_of_flow(self._flow_hooks.on_completion, completed())

    def run_failed(self, error: str | None) -> None:
        """Tell that the run has failed."""
        self._tell_of_flow(self._flow_hooks.on_failure, failed(error))

    def finish(self, then: Callable[[], None]) -> bool:
        """Call ``then`` once all hooks have returned; tell whether there was any."""
        return self._runner.finish(then)

    def _tell(self, task_id: str, number: int, hooks: Sequence[Hook] | None, state: State) -> None:
        if not hooks:
            return
        call, inputs = self._graph.calls[task_id], self._inputs_of(task_id)

        def told() -> RunContext:
            arguments = arguments_of(call, inputs=inputs, restore=self._restore)
            return RunContext(call.task.name, self._run.run_id, number, arguments)

        self._runner.call(tuple(hooks), told, state, self._context_of(task_id))

    def _tell_of_flow(self, hooks: tuple[Hook, ...], state: State) -> None:
        run, parameters = self._run, self._flow_hooks.parameters
        told = RunContext(run.flow_name, run.run_id, parameters=parameters)
        self._runner.call(hooks, lambda: told, state, self._context_of(None))
