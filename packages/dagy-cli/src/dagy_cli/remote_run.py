"""A run that a server executes, from its start by a command to its end."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.arguments import positive_seconds
from dagy_cli.following import answer_after_wait, wait_and_show
from dagy_cli.parser import CommandParser
from dagy_cli.render import render
from dagy_cli.run_places import Place
from dagy_cli.run_views import run_view
from dagy_types import Run

_SEVERAL_DOCUMENTS = ("json", "jsonl")
"""Formats in which one document may follow another, each whole by itself."""


def add_waiting_options(parser: CommandParser) -> None:
    """Add how a command that starts a run of a server goes on."""
    waiting = parser.add_mutually_exclusive_group()
    waiting.add_argument(
        "--wait",
        action="store_true",
        default=None,
        help="follow the run of a server to its end (the default)",
    )
    waiting.add_argument(
        "--detach", action="store_true", help="do not wait for the run of a server"
    )
    parser.add_argument(
        "--timeout",
        type=positive_seconds,
        metavar="SECONDS",
        help="wait no longer than this; the run goes on, the exit code is 124",
    )
    parser.add_argument(
        "--idempotency-key",
        metavar="KEY",
        help="the same key again is the same run, and no further one",
    )


def answer_of(run: Run, place: Place, args: Namespace, app: App, *, what: str) -> Answer:
    """Tell of a run that was just started and, unless nobody waits for it, of its end.

    The id is told at once (CLI-19): on stderr, and with ``--format json`` or ``jsonl`` on stdout,
    in a document of its own, which that of the end follows.

    Args:
        what: What it is, for people.
    """
    view = run_view(run)
    if args.detach:
        told = f"Run {run.run_id} ({place.name}): {what}"
        return Answer(view, notes=(told, f"Follow it with: dagy runs watch {run.run_id}"))
    if args.format in _SEVERAL_DOCUMENTS:
        render(view, args.format, app.console)
    run = wait_and_show(run, place, app, what=what, timeout_seconds=args.timeout, shows_log=True)
    return answer_after_wait(run, place, timeout_seconds=args.timeout)
