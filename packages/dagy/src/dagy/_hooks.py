"""Hooks: an author's functions that are told how a run goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from dagy._attempt_context import AttemptContext, current_attempt
from dagy._failure import formatted_traceback


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a hook is told about where it is called.

    Attributes:
        name: The task's or the flow's name.
        attempt: Which attempt of the task, from 1; for flows always 1.
        parameters: What the task or flow was called with, by name.
    """

    name: str
    run_id: str
    attempt: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """What a hook is told has happened.

    Attributes:
        type: ``RUNNING``, ``COMPLETED`` or ``FAILED``.
        message: What went wrong, for a failure.
    """

    type: str
    message: str | None = None


Hook = Callable[[RunContext, State], None]
"""A function that is told; what it returns is ignored, and what it raises is only logged."""


def running(message: str | None = None) -> State:
    """Return the state of what has started."""
    return State("RUNNING", message)


def completed(message: str | None = None) -> State:
    """Return the state of what has succeeded."""
    return State("COMPLETED", message)


def failed(message: str | None = None) -> State:
    """Return the state of what has failed."""
    return State("FAILED", message)


class HookRunner:
    """Calls hooks one after the other, in a thread of their own: a slow hook delays no task."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def call(
        self,
        hooks: tuple[Hook, ...],
        context: Callable[[], RunContext],
        state: State,
        said_by: AttemptContext,
    ) -> None:
        """Call these hooks soon, in their order.

        Args:
            context: Makes the first argument, in the hooks' thread.
            said_by: As whose words what the hooks log and print is recorded.
        """
        if not hooks:
            return
        if self._thread is None:
            self._thread = threading.Thread(
                target=copy_context().run, args=(self._work,), name="dagy-hooks", daemon=True
            )
            self._thread.start()
        self._calls.put(lambda: _call_all(hooks, context, state, said_by))

    def finish(self, then: Callable[[], None]) -> bool:
        """Call ``then`` from the hooks' thread once all hooks have returned.

        Returns whether it will be called: not when there never was a hook.
        """
        if self._thread is None:
            return False
        self._calls.put(then)
        self._calls.put(None)
        return True

    def join(self) -> None:
        """Wait for the end of the thread, after `finish`."""
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _call_all(
    hooks: tuple[Hook, ...],
    context: Callable[[], RunContext],
    state: State,
    said_by: AttemptContext,
) -> None:
    token = current_attempt.set(said_by)
    try:
        told = context()
        for hook in hooks:
            _call_one(hook, told, state, said_by)
    except BaseException as error:  # noqa: BLE001  inputs that cannot be restored change no outcome
        said_by.log("ERROR", "dagy.hooks", formatted_traceback(error))
    finally:
        said_by.flush()
        current_attempt.reset(token)


def _call_one(hook: Hook, told: RunContext, state: State, said_by: AttemptContext) -> None:
    try:
        hook(told, state)
    except BaseException as error:  # noqa: BLE001  a hook that raises changes nothing
        name = getattr(hook, "__name__", repr(hook))
        said_by.log("ERROR", "dagy.hooks", f"Hook {name} raised:\n{formatted_traceback(error)}")
