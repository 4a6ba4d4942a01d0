"""Run flows on this machine."""

from dagy._local_logger import LocalLogger
from dagy._settings import is_verbose
from dagy.local import errors
from dagy.local._result import RunResult
from dagy.local._resume import resume_flow
from dagy.local._run import run_flow

# Imported when it is first used: who runs flows need not pay for it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dagy.local._replay import Replay, prepare_replay

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

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in ("Replay", "prepare_replay"):
            from dagy.local import _replay

            value = globals()[name] = getattr(_replay, name)
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
