from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagy_store._log_file import LogWriter, read_log
from dagy_types import LogRecord
from dagy_types.errors import StoreError

MakeRecord = Callable[..., LogRecord]

_RECORDS = st.lists(
    st.builds(
        LogRecord,
        run_id=st.just("r1"),
        at=st.datetimes(timezones=st.just(timezone.utc)),
        level=st.sampled_from(["DEBUG", "INFO", "ERROR"]),
        logger=st.text(max_size=5),
        message=st.text() | st.just("one\ntwo\r\u2028three\x00\udcff"),
        task_id=st.none() | st.text(max_size=5),
        attempt=st.none() | st.integers(1, 9),
    ),
    max_size=5,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@pytest.fixture
def writer(path: Path) -> Iterator[LogWriter]:
    writer = LogWriter(path)
    yield writer
    writer.close()


def _read(path: Path) -> list[LogRecord]:
    return list(read_log(path, is_growing=lambda: False, wait=_never))


def _never() -> None:
    pytest.fail("there was nothing to wait for")


@settings(max_examples=40)
@given(batches=st.lists(_RECORDS, max_size=3))
def test_any_record_is_read_as_it_was_written(batches: list[list[LogRecord]]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "log.jsonl"
        writer = LogWriter(path)
        for batch in batches:
            writer.append(batch)
        writer.sync()
        writer.close()
        assert _read(path) == [record for batch in batches for record in batch]


def test_a_line_is_seen_at_once(path: Path, writer: LogWriter, log_record: MakeRecord) -> None:
    writer.append([log_record("one")])
    assert _read(path) == [log_record("one")]


def test_a_torn_last_line_is_not_shown(
    path: Path, writer: LogWriter, log_record: MakeRecord
) -> None:
    writer.append([log_record("one"), log_record("two")])
    path.write_bytes(path.read_bytes()[:-5])
    assert _read(path) == [log_record("one")]


def test_a_missing_log_is_empty(path: Path) -> None:
    assert _read(path) == []


def test_a_damaged_line_is_an_error_after_the_lines_before_it(
    path: Path, writer: LogWriter, log_record: MakeRecord
) -> None:
    writer.append([log_record("one")])
    with path.open("ab") as file:
        file.write(b"\0\0\0\n")
    records = read_log(path, is_growing=lambda: False, wait=_never)
    assert next(records) == log_record("one")
    with pytest.raises(StoreError, match="line that is not a log record"):
        next(records)


def test_an_unreadable_log_is_an_error_that_names_it(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match=r"log\.jsonl cannot be used: Is a directory"):
        _read(path)


def test_following_yields_each_line_once_it_is_whole_and_ends_with_the_run(
    path: Path, writer: LogWriter, log_record: MakeRecord
) -> None:
    writer.append([log_record("two")])
    whole = path.read_bytes()
    path.write_bytes(b"")

    def append(content: bytes) -> None:
        with path.open("ab") as file:
            file.write(content)

    seen: list[str] = []
    seen_at_waits: list[list[str]] = []
    events = iter(
        [
            lambda: writer.append([log_record("one")]),
            lambda: append(whole[:7]),
            lambda: append(whole[7:-1]),
            lambda: append(whole[-1:]),
        ]
    )
    is_alive = True

    def is_growing() -> bool:
        if not is_alive:
            # What the run says last, before its end is known.
            writer.append([log_record("last")])
        return is_alive

    def wait() -> None:
        nonlocal is_alive
        seen_at_waits.append(list(seen))
        event = next(events, None)
        if event is None:
            is_alive = False
        else:
            event()

    for record in read_log(path, is_growing=is_growing, wait=wait):
        seen += [record.message]
    assert seen_at_waits == [[], ["one"], ["one"], ["one"], ["one", "two"]]
    assert seen == ["one", "two", "last"]


def test_a_full_disk_leaves_whole_lines_and_the_log_goes_on_later(
    path: Path,
    writer: LogWriter,
    log_record: MakeRecord,
    disk_with_room_for: Callable[[int], AbstractContextManager[None]],
) -> None:
    writer.append([log_record("one")])
    long = [log_record("x" * 300), log_record("y" * 900)]
    with disk_with_room_for(1000), pytest.raises(OSError, match="File too large"):
        writer.append(long)
    assert _read(path) == [log_record("one")]
    writer.append(long)
    assert _read(path) == [log_record("one"), *long]


def test_a_log_is_continued_when_it_is_opened_again(
    path: Path, writer: LogWriter, log_record: MakeRecord
) -> None:
    writer.append([log_record("one")])
    again = LogWriter(path)
    again.append([log_record("two")])
    again.close()
    assert _read(path) == [log_record("one"), log_record("two")]
