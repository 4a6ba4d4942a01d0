from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from dagy_cli.console import Console, OutputError


def _console(stdout: IO[str], stderr: IO[str], **environ: str) -> Console:
    color = environ.pop("color", "auto")
    return Console(stdout, stderr, environ=environ, color=color)


@pytest.mark.parametrize(
    ("is_terminal", "settings", "allowed"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"color": "never"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"color": "always"}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"color": "always", "NO_COLOR": "1"}, False),
        (False, {"FORCE_COLOR": "1", "TERM": "dumb"}, False),
        (False, {"FORCE_COLOR": "1", "color": "never"}, False),
    ],
)
def test_escapes_are_allowed_as_the_user_and_the_terminal_say(
    is_terminal: bool, settings: dict[str, str], allowed: bool, terminal: io.StringIO
) -> None:
    stream = terminal if is_terminal else io.StringIO()
    assert _console(stream, stream, **settings).allows_escapes(stream) is allowed


def test_only_a_terminal_can_be_redrawn(terminal: io.StringIO) -> None:
    assert _console(terminal, terminal).can_redraw
    assert not _console(terminal, io.StringIO(), color="always").can_redraw


@pytest.mark.parametrize(("reported", "columns"), [(0, 80), (132, 132)])
def test_a_terminal_that_does_not_know_its_width_has_the_usual_one(
    reported: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = os.terminal_size((reported, 0))
    monkeypatch.setattr("shutil.get_terminal_size", lambda: size)
    assert _console(io.StringIO(), io.StringIO()).columns == columns


def test_notes_are_escaped_and_quiet_leaves_them_out() -> None:
    stream = io.StringIO()
    quiet = Console(stream, stream, environ={}, is_quiet=True)
    quiet.note("unheard")
    quiet.alert("heard \x1b")
    _console(stream, stream).note("told")
    assert stream.getvalue() == "heard \\x1b\ntold\n"


def test_live_output_is_handed_on_at_once() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(io.BufferedWriter(_Raw(raw)), encoding="utf-8")

    def chunks() -> Iterator[str]:
        yield "first\n"
        assert raw.getvalue() == b"first\n"
        yield "second\n"

    _console(stream, io.StringIO()).deliver(chunks(), is_live=True)
    assert raw.getvalue() == b"first\nsecond\n"


class _Raw(io.RawIOBase):
    def __init__(self, sink: io.BytesIO) -> None:
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._sink.write(bytes(data))


@pytest.fixture
def unread() -> Iterator[IO[str]]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        yield stream


def test_output_that_nobody_reads_ends_quietly(unread: IO[str]) -> None:
    asked: list[int] = []

    def chunks() -> Iterator[str]:
        for number in range(1000):
            asked.append(number)
            yield "x" * 1000

    _console(unread, io.StringIO()).deliver(chunks())
    assert len(asked) < 100  # it did not read on for nobody


def test_words_that_nobody_hears_are_no_failure(unread: IO[str]) -> None:
    console = _console(io.StringIO(), unread)
    console.alert("one")
    console.alert("two")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_device_is_an_error_that_says_so() -> None:
    with (
        Path("/dev/full").open("w") as full,
        pytest.raises(OutputError, match="Cannot write the output: No space left on device"),
    ):
        _console(full, io.StringIO()).deliver(["x"])
