"""What to say of a task whose process ended before it did."""

from __future__ import annotations

import signal

from dagy_types.errors import WorkerLostError

_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)


def ended_early(task_id: str, status: int) -> WorkerLostError:
    """Return the error for a process that ended.

    Args:
        status: Its exit status, or the number of the signal that killed it, negated.
    """
    if status >= 0:
        return _lost(
            task_id,
            f"it ended with exit status {status}",
            "A task ends by returning or raising; os._exit() takes its process away.",
        )
    how = f"it was killed by {_name_of(-status)}"
    if -status == signal.SIGKILL:
        return _lost(
            task_id,
            how,
            "If memory ran out, process less at once or lower max_workers.",
        )
    if -status in _CRASHES:
        return _lost(task_id, how, "Native code crashed; PYTHONFAULTHANDLER=1 shows where.")
    return _lost(task_id, how, "Somebody sent that signal: see who stops processes here.")


def never_began(task_id: str, reason: str) -> WorkerLostError:
    """Return the error for a process that could not be started."""
    return _lost(
        task_id,
        f"it could not be started: {reason}",
        "Lower max_workers, or raise the limits of processes and memory.",
    )


def nowhere_to_run(task_id: str) -> WorkerLostError:
    """Return the error for when there is no zygote any more."""
    return _lost(
        task_id,
        "the process that starts and ends it is gone",
        "Somebody killed it, or memory ran out; resume the run.",
    )


def _lost(task_id: str, how: str, hint: str) -> WorkerLostError:
    return WorkerLostError(f"Task {task_id!r} lost its process: {how}.", hint=hint, task_id=task_id)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
