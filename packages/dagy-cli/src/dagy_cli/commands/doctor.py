"""`dagy doctor`: whether all is well here, and what to do where it is not."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.exit_codes import ExitCode
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.view import Cell, Lines, View

_COLORS = {"ok": 32, "warning": 33, "problem": 31}


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy doctor`."""
    parser.description = (
        "Look at versions, files, the record of runs, settings, credentials, the server and its\n"
        "clock, proxies and certificates. Changes nothing, takes a few seconds at most. A problem\n"
        "is exit code 9; a server that does not answer is a warning."
    )
    add_format_option(parser)
    parser.add_examples("dagy doctor", "dagy doctor --profile prod --format json")
    parser.set_defaults(handler=diagnose)


def diagnose(args: Namespace, app: App) -> Answer:  # noqa: ARG001 - every handler gets both
    """Return what is found."""
    from dagy_cli.doctor import examine

    findings = list(examine(app.environ, profile=app.options.profile))
    documents = [
        {"check": each.what, "state": each.state, "message": each.message, "hint": each.hint}
        for each in findings
    ]
    width = max(len(each.what) for each in findings)
    lines = [
        [
            Cell(f"{each.state:<7}", _COLORS[each.state]),
            Cell(f"{each.what:<{width}}"),
            Cell(each.message),
        ]
        for each in findings
    ]
    is_well = all(each.state != "problem" for each in findings)
    return Answer(
        View(documents=documents, is_list=True, blocks=[Lines(lines)]),
        exit_code=ExitCode.OK if is_well else ExitCode.LOCAL_STATE,
        complaints=tuple(f"hint: {each.what}: {each.hint}" for each in findings if each.hint),
    )
