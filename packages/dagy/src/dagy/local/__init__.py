"""Run flows on this machine."""

from dagy._local_logger import LocalLogger
from dagy._settings import is_verbose
from dagy.local import errors
from dagy.local._run import RunResult, run_flow

__all__ = ["LocalLogger", "RunResult", "errors", "is_verbose", "run_flow"]
