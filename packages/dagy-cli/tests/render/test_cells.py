from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest

from dagy_cli.render.cells import (
    counted,
    duration_cell,
    duration_text,
    log_cells,
    run_status_cell,
    shortened,
    shown_text,
    size_text,
    time_cell,
)
from dagy_cli.render.view import Surface
from dagy_types import FailureReason, LogRecord, Run, RunStatus

MOMENT = datetime(2026, 11, 1, 8, 0, 0, 123456, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0124, "12 ms"), (1.26, "1.3 s"), (59.9, "59.9 s"), (61, "1 m 01 s"), (7380, "2 h 03 m")],
)
def test_durations_have_the_units_that_matter(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (1536, "1.5 KiB"), (300 * 1024 * 1024, "300.0 MiB")],
)
def test_sizes_have_the_unit_that_people_name(size: int, text: str) -> None:
    assert size_text(size) == text


def test_what_is_unknown_is_a_dash() -> None:
    assert (time_cell(None).text, duration_cell(None).text) == ("-", "-")


def test_times_are_local_with_their_offset() -> None:
    text = time_cell(MOMENT).text
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", text)
    assert datetime.fromisoformat(text) == MOMENT.replace(microsecond=0)


def test_cli_30_times_are_in_utc_where_that_is_asked_for() -> None:
    cell = time_cell(MOMENT)
    assert shown_text(cell, Surface(is_utc=True)) == "2026-11-01 08:00:00+00:00"
    assert shown_text(cell, Surface()) == cell.text
    record = LogRecord(run_id="r", at=MOMENT, level="INFO", logger="x", message="m")
    assert shown_text(log_cells(record)[0], Surface(is_utc=True)).endswith("08:00:00.123+00:00")


def test_the_reason_of_a_failure_is_told_with_the_status() -> None:
    run = Run(
        run_id="r1",
        flow_name="f",
        flow_version="1",
        status=RunStatus.FAILED,
        reason=FailureReason.CRASHED,
        created_at=MOMENT,
    )
    assert run_status_cell(run).text == "FAILED (crashed)"


def test_a_log_line_is_time_level_task_and_message() -> None:
    record = LogRecord(
        run_id="r1", at=MOMENT, level="INFO", logger="x", message="rows: 3", task_id="load"
    )
    at, *rest = [cell.text for cell in log_cells(record)]
    assert datetime.fromisoformat(at) == MOMENT.replace(microsecond=123000)
    assert rest == ["INFO   ", "load", "rows: 3"]


@pytest.mark.parametrize(
    ("text", "is_unicode", "expected"),
    [("abcdef", True, "abcdef"), ("abcdefg", True, "abcde…"), ("abcdefg", False, "abc...")],
)
def test_long_text_is_cut_with_a_mark(text: str, is_unicode: bool, expected: str) -> None:
    assert shortened(text, 6, Surface(is_unicode=is_unicode)) == expected


def test_one_is_not_many() -> None:
    assert (counted(0, "task"), counted(1, "task")) == ("0 tasks", "1 task")
