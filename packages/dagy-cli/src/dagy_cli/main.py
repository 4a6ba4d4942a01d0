"""Parse, dispatch, deliver; and give every ending its exit code."""

from __future__ import annotations

import os
import sys

from dagy_cli.console import Console

TYPE_CHECKING = False  # as in `typing`, which `dagy --version` can do without
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from dagy_cli.app import Answer, App


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; must be called in the main thread.

    Args:
        argv: The arguments without the program's name; by default those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    console = Console(sys.stdout, sys.stderr, environ=os.environ)
    try:
        # The parser alone would cost more than all the rest of this most asked question.
        if words == ["--version"]:
            from dagy_cli.version import version_line

            console.deliver([version_line()])
            return 0
        if words[:1] == ["__complete"]:
            from dagy_cli.completion.answers import answer

            console.deliver(answer(words[1:], os.environ))
            return 0
        return _dispatch(words, console)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (whatever it is, explain it)
        from dagy_cli.failure import explain

        return explain(error, words, console, environ=os.environ)


def _dispatch(words: list[str], console: Console) -> int:
    from dagy_cli.parser import TextRequest, build_parser

    try:
        return _run_command(build_parser().parse_args(words))
    except TextRequest as request:
        console.deliver([request.text])
        return 0


def _run_command(args: Namespace) -> int:
    from dagy_cli.app import App, format_of, options_of
    from dagy_cli.termination import Terminated, sigterm_raises

    options = options_of(args)
    console = Console(
        sys.stdout,
        sys.stderr,
        environ=os.environ,
        color=options.color,
        is_quiet=options.is_quiet,
        uses_utc=options.uses_utc,
    )
    app = App(options=options, environ=os.environ, console=console)
    try:
        with sigterm_raises(), app:
            answer: Answer = args.handler(args, app)
            _deliver(answer, format_of(args), app)
        return answer.exit_code
    except Terminated:
        from dagy_cli.exit_codes import ExitCode

        return ExitCode.TERMINATED


def _deliver(answer: Answer, output_format: str, app: App) -> None:
    from dagy_cli.render import render

    if output_format == "table" and sys.stdout.isatty():
        app.console.table_format = app.table_format()
    render(answer.view, output_format, app.console)
    for line in answer.notes:
        app.console.note(line)
    for line in answer.complaints:
        app.console.alert(line)
