"""Where an author's code raised something, without the frames of ours that called it."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from types import TracebackType

import dagy

_STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
_CALLERS = (
    str(Path(dagy.__file__).parent),
    str(Path(__file__).parent),
    # What runs a coroutine, or a function in a thread.
    str(_STANDARD_LIBRARY / "asyncio"),
    str(_STANDARD_LIBRARY / "concurrent"),
    "<frozen ",
)


def author_traceback(error: BaseException) -> TracebackType | None:
    """Return the traceback from the first frame of the author's code on; ``None`` without one."""
    traceback = error.__traceback__
    while traceback is not None and _filename(traceback).startswith(_CALLERS):
        traceback = traceback.tb_next
    return traceback


def _filename(traceback: TracebackType) -> str:
    return traceback.tb_frame.f_code.co_filename
