from __future__ import annotations

import pytest

from dagy._failure import formatted_traceback, position, summary


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\n  b"), "ValueError: a b"),
        (ValueError(), "ValueError"),
        (UnspeakableError(), "UnspeakableError: <message cannot be shown>"),
    ],
)
def test_a_summary_is_one_line(error: Exception, line: str) -> None:
    assert summary(error) == line


def test_a_summary_is_bounded() -> None:
    assert len(summary(ValueError("x" * 10_000))) == 300


def test_an_error_that_was_never_raised_has_no_position_and_a_short_traceback() -> None:
    assert position(ValueError("x")) == ""
    assert formatted_traceback(ValueError("x")) == "ValueError: x"
