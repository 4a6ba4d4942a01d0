from __future__ import annotations

import io
import os
import pty
import threading
from collections.abc import Iterator

import pytest

from dagy_cli.app import App, Options
from dagy_cli.console import Console
from dagy_cli.terminal_input import PastedLines, can_ask, confirm


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)


def test_each_line_is_given_once_and_blank_ones_are_not(ends: tuple[int, int]) -> None:
    reader, writer = ends
    os.write(writer, b"\n  http://127.0.0.1/callback?a=b \nnext\nunfinished")
    os.close(writer)
    lines, is_over = PastedLines(reader), threading.Event()
    assert [lines(is_over) for _ in range(4)] == [
        *("http://127.0.0.1/callback?a=b", "next"),
        *(None, None),
    ]


def test_a_line_that_comes_in_parts_is_whole(ends: tuple[int, int]) -> None:
    reader, writer = ends
    os.write(writer, b"one ")
    later = threading.Timer(0.2, os.write, (writer, b"line\n"))
    later.start()
    assert PastedLines(reader)(threading.Event()) == "one line"
    later.join()
    os.close(writer)


def test_nothing_is_waited_for_when_the_login_is_over(ends: tuple[int, int]) -> None:
    reader, writer = ends
    is_over = threading.Event()
    is_over.set()
    assert PastedLines(reader)(is_over) is None
    os.close(writer)


def test_a_terminal_that_has_gone_gives_nothing() -> None:
    main, end = pty.openpty()
    os.close(main)
    assert PastedLines(end)(threading.Event()) is None
    os.close(end)


def test_what_cannot_be_read_gives_nothing() -> None:
    unreadable = os.open(os.devnull, os.O_WRONLY)
    assert PastedLines(unreadable)(threading.Event()) is None
    os.close(unreadable)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("y\n", True), ("YES\n", True), ("\n", False), ("", False), ("yeah\n", False)],
)
def test_only_yes_is_yes(typed: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    stderr = io.StringIO()
    assert confirm("Sure?", Console(io.StringIO(), stderr, environ={})) is expected
    assert stderr.getvalue() == "Sure? [y/N] "


def test_nobody_is_asked_who_does_not_see_or_cannot_answer(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def app(stderr: io.StringIO, *, allows_input: bool = True) -> App:
        console = Console(io.StringIO(), stderr, environ={})
        return App(options=Options(allows_input=allows_input), environ={}, console=console)

    monkeypatch.setattr("sys.stdin", terminal)
    assert can_ask(app(terminal))
    assert not can_ask(app(io.StringIO()))
    assert not can_ask(app(terminal, allows_input=False))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert not can_ask(app(terminal))
