from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dagy import flow, get_run_logger, task
from dagy._capture import captured
from dagy.local import LocalLogger, run_flow

QUIET = LocalLogger(quiet=True)


@contextmanager
def unconfigured_logging() -> Iterator[None]:
    """Have the root logger as in a program that never configured it: pytest puts handlers there."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    root.handlers[:] = []
    yield
    root.handlers[:] = handlers


def run(body: Any, recorder: Any) -> list[tuple[str, str, str]]:
    """Run the body as a task and return level, logger and message of what it said."""
    work = task(name="work")(body)

    @flow
    def f() -> None:
        work()

    run_flow(f, {}, recorder=recorder, logger=QUIET)
    assert {record.task_id for record in recorder.logs} <= {"work"}
    assert {record.attempt for record in recorder.logs} <= {1}
    return [(record.level, record.logger, record.message) for record in recorder.logs]


def test_printed_text_is_logged_by_lines(recorder: Any) -> None:
    def body() -> None:
        print("one\ntwo")
        print("three", end="")
        print("!", file=sys.stderr)
        sys.stdout.writelines([" and", " four"])

    assert run(body, recorder) == [
        ("INFO", "stdout", "one"),
        ("INFO", "stdout", "two"),
        ("INFO", "stderr", "!"),
        ("INFO", "stdout", "three and four"),
    ]


def test_every_kind_of_logger_is_captured(recorder: Any) -> None:
    def body() -> None:
        get_run_logger().debug("detail %d", 1)
        logging.getLogger("library").info("info")
        logging.getLogger("library").debug("not shown: nobody asked for DEBUG")
        logging.warning("careful")

    with unconfigured_logging():
        said = run(body, recorder)
    assert said == [
        ("DEBUG", "dagy.task", "detail 1"),
        ("INFO", "library", "info"),
        ("WARNING", "root", "careful"),
    ]


def test_a_level_that_somebody_configured_is_respected(recorder: Any) -> None:
    assert logging.getLogger().handlers  # pytest's own

    def body() -> None:
        logging.getLogger("library").info("below the level of the root logger")
        logging.getLogger("library").warning("above it")

    assert run(body, recorder) == [("WARNING", "library", "above it")]


def test_a_logged_exception_keeps_its_traceback(recorder: Any) -> None:
    def body() -> None:
        try:
            raise LookupError("lost")
        except LookupError:
            logging.exception("while looking")

    [(_, _, message)] = run(body, recorder)
    assert message.startswith("while looking\nTraceback")
    assert message.endswith("LookupError: lost")


def test_what_is_said_outside_tasks_goes_where_it_always_went(
    recorder: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with captured():
        print("to stdout")
        print("to stderr", file=sys.stderr)
        assert sys.stdout.writable()
    assert run(lambda: None, recorder) == []
    assert capsys.readouterr() == ("to stdout\n", "to stderr\n")


def test_warnings_outside_tasks_reach_the_last_resort_as_without_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    last_resort = logging.Handler()
    monkeypatch.setattr(last_resort, "emit", lambda record: seen.append(record.getMessage()))
    monkeypatch.setattr(logging, "lastResort", last_resort)
    with unconfigured_logging(), captured():
        logging.warning("seen")
    assert seen == ["seen"]


def test_everything_is_put_back_when_the_last_run_ends() -> None:
    def state() -> tuple[Any, ...]:
        root = logging.getLogger()
        return sys.stdout, sys.stderr, root.level, root.handlers[:], get_run_logger().level

    before = state()
    with captured():
        inner = state()
        with captured():
            assert state() == inner
        assert state() == inner
        assert inner != before
    assert state() == before


def test_a_redirection_made_meanwhile_is_left_alone() -> None:
    before = sys.stdout
    other: Any = object()
    with captured():
        sys.stdout = other
    try:
        assert sys.stdout is other
    finally:
        sys.stdout = before


def test_two_runs_at_once_keep_their_lines_apart(recorder: Any) -> None:
    second = type(recorder)()
    meeting = threading.Barrier(2, timeout=10)

    def run_with(name: str, into: Any) -> None:
        @task
        def say() -> None:
            meeting.wait()
            print(name)

        @flow
        def f() -> None:
            say()

        run_flow(f, {}, recorder=into, logger=QUIET)

    threads = [
        threading.Thread(target=run_with, args=("first", recorder)),
        threading.Thread(target=run_with, args=("second", second)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert recorder.messages("say") == ["first"]
    assert second.messages("say") == ["second"]
