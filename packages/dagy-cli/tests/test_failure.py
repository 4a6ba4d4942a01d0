from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_cli.console import Console, OutputError
from dagy_cli.exit_codes import ERROR_EXIT_CODES
from dagy_cli.failure import explain, with_hint_for_missing
from dagy_client.testing import FakeServer
from dagy_types.errors import DagyError, NotFoundError


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


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "list", "--format", "json"),
        ("--format=jsonl",),
        ("--format=table", "--format=json"),
    ],
)
@pytest.mark.parametrize("kind", ERROR_EXIT_CODES)
def test_cli_05_programs_get_each_failure_as_one_object(
    kind: type[DagyError], words: tuple[str, ...]
) -> None:
    code, shown = _explain(kind("What happened.", hint="Do this."), *words)
    assert shown.count("\n") == 1
    assert json.loads(shown) == {
        "error": {
            "code": kind.code,
            "message": "What happened.",
            "hint": "Do this.",
            "request_id": None,
            "report": None,
            "exit_code": code,
        }
    }
    assert code == ERROR_EXIT_CODES[kind]


def test_cli_05_the_request_of_an_error_is_named(
    api_server: FakeServer, dagy: Callable[..., Any]
) -> None:
    ended = dagy("flows", "show", "absent", "--format", "json")
    told = json.loads(ended.err)["error"]
    assert (ended.out, told["code"], told["exit_code"]) == ("", "not_found", 5)
    assert told["request_id"] == api_server.requests[-1].headers["x-request-id"]
    assert told["hint"] == "Run: dagy flows list"


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OutputError("Cannot write."), 1, "output"),
        (RuntimeError("two\nlines"), 1, "unexpected"),
    ],
)
def test_cli_05_so_do_they_get_any_other_ending(
    error: BaseException, code: int, kind: str, local_dir: Path
) -> None:
    exit_code, shown = _explain(error, "--format", "json", "--debug")
    told = json.loads(shown.splitlines()[-1])["error"]
    assert (exit_code, told["exit_code"], told["code"]) == (code, code, kind)
    assert (told["report"] is not None) is (kind == "unexpected")


def test_cli_05_the_format_of_the_last_option_counts() -> None:
    error = NotFoundError("Gone.")
    assert _explain(error, "--format", "json", "--format", "yaml")[1] == "error: Gone.\n"
    assert _explain(error, "--format")[1] == "error: Gone.\n"
