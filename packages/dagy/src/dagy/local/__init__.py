"""Run flows on this machine."""

from dagy._local_logger import LocalLogger
from dagy._settings import is_verbose
from dagy.local import errors
from dagy.local._replay import Replay, prepare_replay
from dagy.local._result import RunResult
from dagy.local._resume import resume_flow
from dagy.local._run import run_flow

__all__ = [
    "LocalLogger",
    "Replay",
    "RunResult",
    "errors",
    "is_verbose",
    "prepare_replay",
    "resume_flow",
    "run_flow",
]
