from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from dagy import _failure
from dagy._executors.processes.parcel import pack, unpack
from dagy_types import AttemptResult, LogRecord, Output
from dagy_types.errors import DagyError, TaskFailedError

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def sent(error: BaseException) -> Any:
    """What becomes of an exception on its way to another process."""
    event = unpack(pack(AttemptResult("work", 2, NOW, error, "Traceback ...")))
    assert isinstance(event, AttemptResult)
    assert (event.task_id, event.number, event.ended_at) == ("work", 2, NOW)
    assert event.traceback == "Traceback ..."
    return event.outcome


def test_an_output_and_a_message_arrive_as_they_are() -> None:
    result = AttemptResult("work", 1, NOW, Output(b"1", "json"))
    record = LogRecord(run_id="r", at=NOW, level="INFO", logger="x", message="hello")
    assert unpack(pack(result)) == result
    assert unpack(pack(record)) == record


@pytest.mark.parametrize(
    "error", [ValueError("no", 1), SystemExit(3), OSError(2, "gone", "file"), KeyError("k")]
)
def test_an_exception_arrives_as_it_is(error: BaseException) -> None:
    arrived = sent(error)
    assert (type(arrived), arrived.args, str(arrived)) == (type(error), error.args, str(error))


def test_an_exception_of_dagy_keeps_its_hint() -> None:
    arrived = sent(DagyError("This is wrong.", hint="Do that."))
    assert (arrived.message, arrived.hint) == ("This is wrong.", "Do that.")
    assert sent(TaskFailedError("It failed.", run_id="r", task_id="t")).task_id == "t"


class NeedsTwoError(Exception):
    """Can be pickled, and not restored."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right}")


class HoldsLambdaError(Exception):
    """Cannot be pickled."""


class BecomesTextError(Exception):
    """Is restored as something else."""

    def __reduce__(self) -> Any:
        return str, ("text",)


class UnspeakableError(HoldsLambdaError):
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "summary"),
    [
        (NeedsTwoError("one", "two"), "NeedsTwoError: one and two"),
        (HoldsLambdaError(lambda: 1), "HoldsLambdaError: <function <lambda>"),
        (BecomesTextError("this"), "BecomesTextError: this"),
        (UnspeakableError(lambda: 1), "UnspeakableError: <message cannot be shown>"),
    ],
)
def test_an_exception_that_cannot_travel_has_a_substitute_that_says_the_same(
    error: Exception, summary: str
) -> None:
    arrived = sent(error)
    assert isinstance(arrived, Exception)
    assert _failure.summary(arrived).startswith(summary)


def test_a_substitute_is_an_exception_only_if_the_original_is() -> None:
    class LocalExit(BaseException):
        pass

    arrived = sent(LocalExit("bye"))
    assert not isinstance(arrived, Exception)
    assert _failure.summary(arrived) == "LocalExit: bye"


def test_an_exception_that_only_the_receiver_cannot_restore_has_a_substitute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = pack(AttemptResult("work", 2, NOW, ForgottenError("x")))
    monkeypatch.delitem(globals(), "ForgottenError")
    event = unpack(data)
    assert isinstance(event, AttemptResult)
    assert isinstance(event.outcome, Exception)
    assert _failure.summary(event.outcome) == "ForgottenError: x"


class ForgottenError(Exception):
    pass
