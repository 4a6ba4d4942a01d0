"""Whatever a flow says: a server takes what `dagy_client.reports` makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_client.reports import LONGEST_TEXT, end_report, log_reports, task_reports
from dagy_server import limits
from dagy_server.bodies import parse_json
from dagy_server.progress import RunProgressBody
from dagy_types import (
    LogRecord,
    RunEnd,
    RunProgress,
    RunStatus,
    TaskRun,
    TaskStatus,
    api_document,
)

_RUN = "abc123"
_AT = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)

_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
_LONG_TEXT = st.builds(lambda text, times: (text * times)[:70_000], _ANY_TEXT, st.integers(1, 9999))
_CHARACTERS = ["x", "é", "\x00", "\n", "\N{PILE OF POO}", "\udcff"]


def _record(message: str = "hello", level: str = "INFO", logger: str = "flow") -> LogRecord:
    return LogRecord(run_id=_RUN, at=_AT, level=level, logger=logger, message=message)


_RECORDS = st.builds(_record, _ANY_TEXT | _LONG_TEXT, _ANY_TEXT, _ANY_TEXT | _LONG_TEXT)


def _as_servers_read_it(report: RunProgress) -> RunProgressBody:
    body = json.dumps(api_document(report)).encode()
    assert len(body) <= limits.BODY_BYTES
    document = {name: value for name, value in parse_json(body).items() if value}
    return RunProgressBody.model_validate(document)


def _logs_of(reports: Iterable[RunProgress]) -> list[LogRecord]:
    return [record for report in reports for record in report.logs]


def test_the_longest_text_is_that_of_servers() -> None:
    assert LONGEST_TEXT == limits.LOG_MESSAGE_CHARACTERS == limits.STRING_CHARACTERS


@given(_RECORDS)
def test_a_record_is_taken_as_it_is_sent(record: LogRecord) -> None:
    (report,) = log_reports([record], first=1)
    (sent,) = report.logs
    (found,) = _as_servers_read_it(report).logs
    assert (found.run_id, found.at) == (_RUN, _AT)
    assert (found.level, found.logger, found.message) == (sent.level, sent.logger, sent.message)


@given(_RECORDS)
def test_what_can_be_sent_stays_as_it_is(record: LogRecord) -> None:
    sent = _logs_of(log_reports([record], first=1))
    assert _logs_of(log_reports(sent, first=1)) == sent


@given(st.lists(_LONG_TEXT, max_size=30), st.integers(1, 99))
def test_no_message_is_lost_or_moved(texts: list[str], first: int) -> None:
    reports = list(log_reports(map(_record, texts), first=first))
    assert [each.first_log for each in reports] == [
        first + sum(len(each.logs) for each in reports[:index]) for index in range(len(reports))
    ]
    alone = [_logs_of(log_reports([_record(each)], first=1))[0] for each in texts]
    assert _logs_of(reports) == alone


@pytest.mark.parametrize("character", _CHARACTERS)
def test_a_report_of_logs_fits_into_a_request(character: str) -> None:
    texts = [character * (LONGEST_TEXT - number) for number in range(20)]
    reports = list(log_reports(map(_record, texts), first=1))
    assert len(reports) > 1
    for report in reports:
        assert len(_as_servers_read_it(report).logs) == len(report.logs)


@pytest.mark.parametrize("character", _CHARACTERS)
def test_a_report_of_tasks_fits_into_a_request(character: str) -> None:
    tasks = [
        TaskRun(
            run_id=_RUN,
            task_id=f"load[{number}]",
            name="load",
            status=TaskStatus.FAILED,
            attempt=1,
            error=character * (LONGEST_TEXT + number),
        )
        for number in range(20)
    ]
    reports = list(task_reports(tasks))
    assert len(reports) > 1
    found = [task for report in reports for task in _as_servers_read_it(report).task_runs]
    assert [each.task_id for each in found] == [each.task_id for each in tasks]


@given(_ANY_TEXT | _LONG_TEXT)
def test_the_end_of_a_run_is_taken_with_whatever_error_it_had(error: str) -> None:
    end = RunEnd(status=RunStatus.FAILED, ended_at=_AT, error=error)
    report = end_report(end, [_record(error)])
    found = _as_servers_read_it(report)
    assert report.end is not None
    assert found.end is not None
    assert found.end.error == report.end.error
    assert len(found.logs) == 1
