from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dagy_server import limits
from dagy_server.execution.log_pump import LogPump
from dagy_store import LocalMetadataStore
from dagy_types import (
    FlowSpec,
    LogRecord,
    Run,
    RunEnd,
    RunStatus,
    TaskSpec,
)

_RUN, _RECORDED = "abc123", "abc123-2"
_AT = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)

_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
_LONG_TEXT = st.builds(lambda text, times: (text * times)[:70_000], _ANY_TEXT, st.integers(1, 9999))


def _record(message: str = "hello", level: str = "INFO", logger: str = "flow") -> LogRecord:
    return LogRecord(run_id=_RECORDED, at=_AT, level=level, logger=logger, message=message)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalMetadataStore]:
    """A record with a run that is under way."""
    with LocalMetadataStore(tmp_path / "record") as store:
        spec = FlowSpec(name="daily", tasks=(TaskSpec(task_id="load", name="load"),))
        run = Run(
            run_id=_RECORDED,
            flow_name="daily",
            flow_version="1",
            status=RunStatus.RUNNING,
            created_at=_AT,
        )
        store.create_run(run, spec)
        yield store


@pytest.fixture
def pump(store: LocalMetadataStore, tmp_path: Path) -> LogPump:
    return LogPump(str(tmp_path / "record"), _RECORDED, _RUN)


@pytest.fixture
def say(store: LocalMetadataStore) -> Callable[..., None]:
    def say(*messages: str) -> None:
        store.append_logs(_RECORDED, [_record(each) for each in messages])

    return say


@pytest.fixture
def finish(store: LocalMetadataStore) -> Callable[[], None]:
    def finish() -> None:
        store.finish_run(_RECORDED, RunEnd(status=RunStatus.SUCCEEDED, ended_at=_AT))

    return finish


def _batches(pump: LogPump) -> list[list[LogRecord]]:
    """Take everything, to the end of the run."""
    found = []
    while not pump.has_ended:
        found.append(pump.take(wait=True))
    return [each for each in found if each]


def _messages(batches: list[list[LogRecord]]) -> list[str]:
    return [record.message for batch in batches for record in batch]


def test_messages_come_while_the_run_is_under_way(
    pump: LogPump, say: Callable[..., None], finish: Callable[[], None]
) -> None:
    assert pump.take() == []
    for text in ("one", "two"):
        say(text)
        batch: list[LogRecord] = []
        while not batch:
            batch = pump.take(wait=True)
        assert [each.message for each in batch] == [text]
    assert not pump.has_ended
    say("three")
    finish()
    assert _messages(_batches(pump)) == ["three"]
    assert pump.has_ended
    assert pump.take(wait=True) == []


def test_messages_are_those_of_the_run_of_the_server(
    pump: LogPump, say: Callable[..., None], finish: Callable[[], None]
) -> None:
    say("one\x00", "two")
    finish()
    records = [record for batch in _batches(pump) for record in batch]
    assert records == [replace(_record(each), run_id=_RUN) for each in ("one\x00", "two")]


def test_a_run_that_said_nothing_has_an_end(pump: LogPump, finish: Callable[[], None]) -> None:
    finish()
    assert _batches(pump) == []


def test_a_batch_has_so_many_messages(
    pump: LogPump, say: Callable[..., None], finish: Callable[[], None]
) -> None:
    texts = [str(number) for number in range(2 * limits.LOG_BATCH_RECORDS + 1)]
    say(*texts)
    finish()
    pump._thread.join()  # so that all of them wait
    batches = _batches(pump)
    assert [len(each) for each in batches] == [limits.LOG_BATCH_RECORDS] * 2 + [1]
    assert _messages(batches) == texts


@hypothesis_settings(max_examples=10)
@given(st.lists(_LONG_TEXT, max_size=30))
def test_no_message_is_lost_or_moved(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    directory = tmp_path_factory.mktemp("record")
    with LocalMetadataStore(directory) as store:
        run = Run(
            run_id=_RUN,
            flow_name="daily",
            flow_version="1",
            status=RunStatus.RUNNING,
            created_at=_AT,
        )
        store.create_run(run, FlowSpec(name="daily"))
        pump = LogPump(str(directory), _RUN, _RUN)
        store.append_logs(_RUN, [_record(each) for each in texts])
        store.finish_run(_RUN, RunEnd(status=RunStatus.SUCCEEDED, ended_at=_AT))
        assert _messages(_batches(pump)) == texts


def test_a_long_log_waits_on_the_disk_and_not_in_memory(
    pump: LogPump, say: Callable[..., None], finish: Callable[[], None]
) -> None:
    texts = [str(number) for number in range(10_500)]
    say(*texts)
    finish()
    assert _messages(_batches(pump)) == texts


_CRASH = """
import os, sys
from datetime import datetime, timezone
from dagy_store import LocalMetadataStore
from dagy_types import FlowSpec, LogRecord, Run, RunStatus

at = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
store = LocalMetadataStore(sys.argv[1])
status = RunStatus.RUNNING
run = Run(run_id="crashed", flow_name="a", flow_version="1", status=status, created_at=at)
store.create_run(run, FlowSpec(name="a", version="1"))
record = LogRecord(run_id="crashed", at=at, level="INFO", logger="a", message="last words")
store.append_logs("crashed", [record])
print("ready", flush=True)
sys.stdin.read()
os._exit(1)
"""


def test_a_run_whose_process_is_gone_has_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _CRASH, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        pump = LogPump(str(tmp_path), "crashed", _RUN)
        assert not pump.has_ended
        process.kill()
    assert _messages(_batches(pump)) == ["last words"]
