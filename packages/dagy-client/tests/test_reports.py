from __future__ import annotations

from datetime import datetime, timezone

import pytest

from dagy_client.reports import (
    LONGEST_TEXT,
    end_report,
    fits,
    fitting_record,
    fitting_text,
    kept_text,
    log_reports,
    task_reports,
)
from dagy_types import LogRecord, RunEnd, RunStatus, TaskRun, TaskStatus

_AT = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def _record(message: str = "hello", level: str = "INFO", logger: str = "flow") -> LogRecord:
    return LogRecord(run_id="abc", at=_AT, level=level, logger=logger, message=message)


def _task(number: int, error: str | None = None) -> TaskRun:
    return TaskRun(
        run_id="abc",
        task_id=f"load[{number}]",
        name="load",
        status=TaskStatus.FAILED,
        attempt=1,
        error=error,
    )


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "LEVEL_5"])
@pytest.mark.parametrize("logger", ["flow", "stdout", "a.b-c/d é", "x" * 200])
@pytest.mark.parametrize("message", ["", "two\nlines\t", "é \N{PILE OF POO}", "x" * LONGEST_TEXT])
def test_usual_messages_are_sent_as_they_are(level: str, logger: str, message: str) -> None:
    record = LogRecord(
        run_id="abc", at=_AT, level=level, logger=logger, message=message, task_id="a[1]", attempt=2
    )
    assert fitting_record(record) == record


@pytest.mark.parametrize(
    ("level", "expected"),
    [("", "INFO"), ("info", "INFO"), ("Level 5", "LEVEL_5"), ("a\nb", "A_B"), ("x" * 20, "X" * 16)],
)
def test_a_level_becomes_one_that_servers_know(level: str, expected: str) -> None:
    assert fitting_record(_record(level=level)).level == expected


@pytest.mark.parametrize(
    ("logger", "expected"),
    [("", "root"), ("a\r\nb", "a  b"), ("x" * 201, "x" * 200), ("\udcff", "\\udcff")],
)
def test_a_logger_becomes_a_short_line(logger: str, expected: str) -> None:
    assert fitting_record(_record(logger=logger)).logger == expected


@pytest.mark.parametrize("character", ["x", "é", "\x00", "\udcff"])
def test_a_text_that_is_too_long_says_so(character: str) -> None:
    text = character * (LONGEST_TEXT + 1)
    fitting = fitting_text(text)
    assert len(fitting) == LONGEST_TEXT
    assert fitting.endswith(f"… ({len(kept_text(text))} characters)")
    assert fitting_record(_record(text)).message == fitting
    assert (fits(text), fits(fitting)) == (False, True)


def test_a_text_is_measured_as_servers_keep_it() -> None:
    text = "\x00" * (LONGEST_TEXT // 4 + 1)  # each is four characters there
    assert not fits(text)
    assert fitting_text(text).endswith(f"… ({LONGEST_TEXT + 4} characters)")


def test_reports_of_logs_are_numbered_on() -> None:
    reports = list(log_reports([_record(str(number)) for number in range(2001)], first=5))
    assert [each.first_log for each in reports] == [5, 1005, 2005]
    assert [len(each.logs) for each in reports] == [1000, 1000, 1]
    messages = [record.message for report in reports for record in report.logs]
    assert messages == [str(number) for number in range(2001)]


def test_reports_of_tasks_have_a_thousand_at_most_and_keep_their_order() -> None:
    tasks = [_task(number) for number in range(2001)]
    reports = list(task_reports(tasks))
    assert [len(each.task_runs) for each in reports] == [1000, 1000, 1]
    assert [task for report in reports for task in report.task_runs] == tasks


def test_errors_of_tasks_are_cut_and_counted() -> None:
    tasks = [_task(number, "x" * (2 * LONGEST_TEXT)) for number in range(40)]
    reports = list(task_reports(tasks))
    assert len(reports) == 3  # of a MiB each
    assert {len(task.error or "") for each in reports for task in each.task_runs} == {LONGEST_TEXT}


def test_nothing_to_say_is_no_report() -> None:
    assert list(log_reports([], first=1)) == []
    assert list(task_reports([])) == []


def test_the_end_has_an_error_that_fits_and_the_last_words() -> None:
    end = RunEnd(status=RunStatus.FAILED, ended_at=_AT, error="x" * (LONGEST_TEXT + 1))
    report = end_report(end, [_record(level="info")])
    assert report.end is not None
    assert len(report.end.error or "") == LONGEST_TEXT
    assert [each.level for each in report.logs] == ["INFO"]
    assert end_report(RunEnd(status=RunStatus.SUCCEEDED, ended_at=_AT)).logs == ()
