"""What people read when a command fails, and the exit code that goes with it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from dagy_cli.console import Console, OutputError
from dagy_cli.exit_codes import ExitCode, error_exit_code
from dagy_types.errors import DagyError, NotFoundError


def explain(
    error: BaseException,
    words: Sequence[str],
    console: Console,
    *,
    environ: Mapping[str, str],
) -> ExitCode:
    """Tell what went wrong on stderr, in at most three lines, and return the exit code.

    Args:
        words: The arguments of the command; `--debug` among them asks for the traceback, too.
    """
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if "--debug" in words:
        console.alert("".join(traceback.format_exception(error)).rstrip("\n"))
    if isinstance(error, DagyError):
        for line in complaint_lines(error.message, error.hint):
            console.alert(line)
    elif isinstance(error, OutputError):
        console.alert(f"error: {error}")
    else:
        _explain_unexpected(error, words, console, environ=environ)
    return error_exit_code(error)


def complaint_lines(message: str, hint: str | None) -> tuple[str, ...]:
    """Return an error as the lines that people read, one for each part."""
    lines = [f"error: {_one_line(message)}"]
    if hint is not None:
        lines.append(f"hint: {_one_line(hint)}")
    return tuple(lines)


@contextmanager
def with_hint_for_missing(hint: str) -> Iterator[None]:
    """Say how to find what there is, where a server says that something is not there."""
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(error.message, hint=hint) from error


def _explain_unexpected(
    error: BaseException, words: Sequence[str], console: Console, *, environ: Mapping[str, str]
) -> None:
    from dagy_cli.report import report_text, write_report

    console.alert(f"error: Unexpected {type(error).__name__}: {_one_line(str(error))}")
    console.alert(f"report: {write_report(report_text(error, words), environ)}")
    console.alert("hint: Run again with --debug to see the traceback.")


def _one_line(text: str) -> str:
    return " ".join(text.split()) if "\n" in text else text
