from __future__ import annotations

import pickle
from datetime import datetime, timezone
from typing import get_args

import pytest

from dagy_types import (
    Attempt,
    AttemptEvent,
    AttemptResult,
    AttemptStarted,
    Input,
    LogRecord,
    Output,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
ONE = Output(b"1", "json")


@pytest.mark.parametrize(
    "value",
    [
        Attempt("load", 1, inputs={"extract": ONE, "clean": (ONE, ONE)}),
        Attempt("clean[3]", 2, index=3, items=(ONE, None)),
        AttemptStarted("load", 1, NOON),
        AttemptResult("load", 1, NOON, ONE),
        LogRecord(run_id="r1", at=NOON, level="INFO", logger="stdout", message="3 rows"),
    ],
)
def test_attempts_and_what_is_told_of_them_can_be_sent_to_another_process(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


def test_an_attempt_that_needs_nothing_is_no_child_of_a_mapped_task() -> None:
    attempt = Attempt("load", 1)
    assert attempt.inputs == {}
    assert attempt.inputs is not Attempt("load", 1).inputs
    assert attempt.index is None
    assert attempt.items == ()


def test_an_attempt_result_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        AttemptResult("load", 1, NOON, ONE).outcome = ValueError()  # type: ignore[misc]  # the point


def test_an_executor_tells_of_starts_messages_and_results() -> None:
    assert set(get_args(AttemptEvent)) == {AttemptStarted, AttemptResult, LogRecord}


def test_an_input_is_one_output_or_those_of_all_children() -> None:
    assert set(get_args(Input)) == {Output, tuple[Output, ...]}
