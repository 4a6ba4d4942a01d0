"""Write a flow as plain Python functions; run it with a durable record of every task.

from dagy import flow, task

@task
def double(number: int) -> int:
    return 2 * number

@flow
def doubled(number: int = 21) -> int:
    return double(number)

print(doubled(number=4))  # runs here, recorded; `dagy runs list` shows it
"""

from __future__ import annotations

from dagy._artifact import LocalArtifact
from dagy._capture import get_run_logger
from dagy._flow import Flow, flow
from dagy._hooks import Hook, RunContext, State, completed, failed, running
from dagy._task import Task, task
from dagy._task_output import TaskOutput
from dagy_types import FlowSpec

# Imported when it is first used: who runs flows need not pay for it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dagy.building import build_artifact

    __version__: str

__all__ = [
    "Flow",
    "FlowSpec",
    "Hook",
    "LocalArtifact",
    "RunContext",
    "State",
    "Task",
    "TaskOutput",
    "build_artifact",
    "completed",
    "failed",
    "flow",
    "get_run_logger",
    "running",
    "task",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "build_artifact":
            from dagy.building import build_artifact

            globals()[name] = build_artifact
            return build_artifact
        # Reading package metadata is slow, and few ask.
        if name == "__version__":
            from importlib.metadata import version

            return version("dagy")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
