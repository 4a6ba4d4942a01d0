from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from dagy_cli.console import Console, OutputError
from dagy_cli.failure import explain, with_hint_for_missing
from dagy_types.errors import NotFoundError


def _explain(error: BaseException, *words: str) -> tuple[int, str]:
    stream = io.StringIO()
    console = Console(io.StringIO(), stream, environ={})
    return explain(error, words, console, environ=os.environ), stream.getvalue()


def test_a_known_error_is_its_message_and_its_hint() -> None:
    error = NotFoundError("There is no\nrun 'x'.", hint="dagy runs list shows the runs.")
    expected = "error: There is no run 'x'.\nhint: dagy runs list shows the runs.\n"
    assert _explain(error) == (5, expected)


def test_without_a_hint_it_is_one_line() -> None:
    assert _explain(NotFoundError("Nothing \x1b here.")) == (5, "error: Nothing \\x1b here.\n")


def test_debug_shows_the_traceback_first() -> None:
    _, shown = _explain(NotFoundError("Gone."), "runs", "--debug")
    assert shown.startswith("dagy_types.errors.NotFoundError: Gone.\n")
    assert shown.endswith("error: Gone.\n")


def test_what_a_server_does_not_have_is_looked_for_by_a_command() -> None:
    missing = NotFoundError("There is no flow 'x'.", hint="GET /flows lists them.")
    with (
        pytest.raises(NotFoundError, match="no flow 'x'") as caught,
        with_hint_for_missing("Run: dagy flows list"),
    ):
        raise missing
    assert caught.value.hint == "Run: dagy flows list"


def test_unwritable_output_is_one_line() -> None:
    assert _explain(OutputError("Cannot write.")) == (1, "error: Cannot write.\n")


def test_an_interruption_is_not_commented() -> None:
    assert _explain(KeyboardInterrupt()) == (130, "")


def test_an_unexpected_error_is_three_lines_and_a_report(local_dir: Path) -> None:
    code, shown = _explain(RuntimeError("two\nlines"))
    first, second, third = shown.splitlines()
    assert code == 1
    assert first == "error: Unexpected RuntimeError: two lines"
    report = Path(second.removeprefix("report: "))
    assert report.parent == local_dir / "reports"
    assert "RuntimeError: two\nlines" in report.read_text()
    assert third == "hint: Run again with --debug to see the traceback."


@pytest.mark.parametrize("error", [RuntimeError(""), OSError(2, "No such file", "x")])
def test_any_error_can_be_explained(error: Exception) -> None:
    code, shown = _explain(error)
    assert code == 1
    assert len(shown.splitlines()) == 3
