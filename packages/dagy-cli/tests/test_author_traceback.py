from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable

import pytest

from dagy import task
from dagy.loader import load_flow
from dagy_cli.author_traceback import author_traceback
from dagy_types.errors import UsageError


def _raised(call: Callable[[], object]) -> BaseException:
    """Return what the call raises, without the frame of this function."""
    with pytest.raises(Exception) as raised:
        call()
    return raised.value.with_traceback(raised.tb.tb_next)


def _names(error: BaseException) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(author_traceback(error))]


async def _waits() -> None:
    _fails()


def _fails() -> None:
    raise ValueError("boom")


def test_frames_of_the_sdk_are_left_out() -> None:
    error = _raised(task(_fails))
    assert len(traceback.extract_tb(error.__traceback__)) > 1
    assert _names(error) == ["_fails"]


def test_frames_of_what_runs_a_coroutine_are_left_out() -> None:
    waiting = _waits()
    error = _raised(lambda: asyncio.run(waiting))
    error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    assert _names(error) == ["_waits", "_fails"]


def test_frames_that_the_author_s_code_calls_are_kept() -> None:
    error = _raised(lambda: asyncio.run("no coroutine"))  # type: ignore[arg-type]
    assert _names(error)[0] == "<lambda>"
    assert len(_names(error)) > 1


def test_an_error_of_the_sdk_has_no_frame_of_an_author() -> None:
    error = _raised(lambda: load_flow("no path"))
    assert isinstance(error, UsageError)
    error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    assert author_traceback(error) is None
