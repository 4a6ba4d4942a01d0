"""What is said when a command fails, and the exit code that goes with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

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
    """Tell what went wrong on stderr, and return the exit code.

    People get at most three lines; programs, which asked for JSON, one line, an object (CLI-05).

    Args:
        words: The arguments of the command; `--debug` among them asks for the traceback, too.
    """
    fault = _fault_of(error, words, environ)
    if "--debug" in words and not isinstance(error, KeyboardInterrupt):
        import traceback  # as seldom as this; it takes a while to load

        console.alert("".join(traceback.format_exception(error)).rstrip("\n"))
    if _asks_for_json(words):
        console.alert(json.dumps({"error": fault._asdict()}))
    elif not isinstance(error, KeyboardInterrupt):  # who pressed Ctrl-C knows
        for line in complaint_lines(fault.message, fault.hint, report=fault.report):
            console.alert(line)
    return fault.exit_code


def complaint_lines(
    message: str, hint: str | None, *, report: str | None = None
) -> tuple[str, ...]:
    """Return an error as the lines that people read, one for each part."""
    lines = [f"error: {_one_line(message)}"]
    if report is not None:
        lines.append(f"report: {report}")
    if hint is not None:
        lines.append(f"hint: {_one_line(hint)}")
    return tuple(lines)


@contextmanager
def with_hint_for_missing(hint: str) -> Iterator[None]:
    """Say how to find what there is, where a server says that something is not there."""
    try:
        yield
    except NotFoundError as error:
        error.hint = hint  # the error itself goes on: it knows the id of its request
        raise


class _Fault(NamedTuple):
    """What there is to say of an error, by the names that programs know.

    Attributes:
        code: A stable name of its kind.
        request_id: Of the request that a server refused.
        report: Where the report of an unexpected error is.
    """

    code: str
    message: str
    exit_code: ExitCode
    hint: str | None = None
    request_id: str | None = None
    report: str | None = None


def _fault_of(error: BaseException, words: Sequence[str], environ: Mapping[str, str]) -> _Fault:
    exit_code = error_exit_code(error)
    if isinstance(error, DagyError):
        return _Fault(
            code=error.code,
            message=error.message,
            hint=error.hint,
            request_id=getattr(error, "request_id", None),
            exit_code=exit_code,
        )
    if isinstance(error, KeyboardInterrupt):
        return _Fault(code="interrupted", message="Interrupted.", exit_code=ExitCode.INTERRUPTED)
    if isinstance(error, OutputError):
        return _Fault(code="output", message=str(error), exit_code=exit_code)
    from dagy_cli.report import report_text, write_report

    return _Fault(
        code="unexpected",
        message=f"Unexpected {type(error).__name__}: {error}",
        hint="Run again with --debug to see the traceback.",
        report=write_report(report_text(error, words), environ),
        exit_code=exit_code,
    )


def _asks_for_json(words: Sequence[str]) -> bool:
    # The words, not what was read of them: they may be what is wrong.
    given = [word.removeprefix("--format=") for word in words if word.startswith("--format=")]
    given += [after for word, after in pairwise(words) if word == "--format"]
    return bool(given) and given[-1] in ("json", "jsonl")


def _one_line(text: str) -> str:
    return " ".join(text.split()) if "\n" in text else text
