"""An exception from an author's code, told to people."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

_OWN_DIRECTORY = str(Path(__file__).parent)
_SUMMARY_LENGTH = 300


def message(error: BaseException) -> str:
    """Return what the exception says, whole."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  an author's __str__ may raise anything
        return "<message cannot be shown>"


def summary(error: BaseException) -> str:
    """Return ``Type: message`` on one line of bounded length."""
    text = " ".join(message(error).split())
    name = type(error).__name__
    line = f"{name}: {text}" if text else name
    return line if len(line) <= _SUMMARY_LENGTH else line[: _SUMMARY_LENGTH - 1] + "…"


def position(error: BaseException) -> str:
    """Return `` (file:line)`` of the innermost frame in the author's own code, or nothing."""
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        if not _is_own(traceback):
            place = f" ({Path(_filename(traceback)).name}:{traceback.tb_lineno})"
        traceback = traceback.tb_next
    return place


def formatted_traceback(error: BaseException) -> str:
    """Return the traceback from the author's code on, without the engine's frames above it."""
    from traceback import format_exception

    traceback = error.__traceback__
    while traceback is not None and _is_own(traceback):
        traceback = traceback.tb_next
    return "".join(format_exception(type(error), error, traceback)).rstrip()


def _is_own(traceback: TracebackType) -> bool:
    # Python's own import machinery stands between the loader and an author's file.
    return _filename(traceback).startswith((_OWN_DIRECTORY, "<frozen "))


def _filename(traceback: TracebackType) -> str:
    return traceback.tb_frame.f_code.co_filename
