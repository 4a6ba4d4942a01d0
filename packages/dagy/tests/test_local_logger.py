from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from dagy.local import LocalLogger
from dagy_types import LogRecord


def line(level: str, logger: str, message: str = "text", task_id: str | None = "load") -> LogRecord:
    at = datetime(2026, 11, 1, tzinfo=timezone.utc)
    return LogRecord(
        run_id="r1", at=at, level=level, logger=logger, message=message, task_id=task_id, attempt=1
    )


PRINTED = line("INFO", "stdout")
WARNING = line("WARNING", "library")
INFO = line("INFO", "library")
ENGINE = line("ERROR", "dagy.engine")
STOPPING = line("WARNING", "dagy.engine")
ALL = [PRINTED, WARNING, INFO, ENGINE, STOPPING]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, [PRINTED, WARNING, STOPPING]),
        ({"verbose": True}, ALL),
        ({"quiet": True}, []),
        ({"quiet": True, "verbose": True}, []),
    ],
)
def test_every_line_is_recorded_and_verbosity_decides_what_is_shown(
    recorder: Any, options: dict[str, bool], shown: list[LogRecord]
) -> None:
    echoed: list[LogRecord] = []
    LocalLogger(**options, echo=echoed.append).write(recorder, "r1", ALL)
    assert recorder.logs == ALL
    assert echoed == shown


@pytest.mark.parametrize(
    ("value", "verbose"),
    [("true", True), ("1", True), ("Yes", True), ("on", True), ("0", False), ("", False)],
)
def test_the_environment_can_ask_for_every_line(
    recorder: Any, capsys: pytest.CaptureFixture[str], value: str, verbose: bool
) -> None:
    logger = LocalLogger.from_environment({"DAGY_LOCAL_VERBOSE": value})
    logger.write(recorder, "r1", [INFO])
    assert ("INFO load: text" in capsys.readouterr().err) is verbose


def test_by_default_printed_text_goes_where_it_was_printed_to(
    recorder: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = LocalLogger()
    records = [PRINTED, line("INFO", "stderr", "oops"), line("ERROR", "x", "bad", None)]
    logger.write(recorder, "r1", records)
    out, err = capsys.readouterr()
    assert out == "text\n"
    assert err.startswith("oops\n")
    assert err.endswith(" ERROR: bad\n")
