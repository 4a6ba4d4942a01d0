"""`dagy replay`: run one task of a run again, on what it got then, and record nothing."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import nullcontext
from traceback import format_exception, format_exception_only
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.recorded_flow import add_flow_option, recorded_flow, require_task
from dagy_cli.redirect import stdout_to_stderr
from dagy_cli.render.cells import shortened
from dagy_cli.render.view import Surface
from dagy_cli.replay_view import replay_view
from dagy_cli.run_places import add_run_id, find_run
from dagy_cli.termination import Terminated
from dagy_types import TaskRun
from dagy_types.errors import DagyError, TaskFailedError, UsageError

if TYPE_CHECKING:
    from dagy.local import Replay

_LONGEST_ERROR = 200


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy replay`."""
    parser.description = (
        "Run one task of a run again, once, on the inputs that are recorded, and show what it "
        "returns. Nothing is recorded."
    )
    add = parser.add_argument
    add_run_id(parser)
    add("--task", metavar="TASK", required=True, help="the id of the task, as in 'step[3]'")
    add("--pdb", action="store_true", help="open the debugger where the task raises")
    add_flow_option(parser)
    add_format_option(parser)
    parser.add_examples(
        "dagy replay RUN --task load",
        "dagy replay RUN --task 'step[3]' --pdb",
        "dagy replay RUN --task load --flow moved/etl.py:daily --format json",
    )
    parser.set_defaults(handler=replay_task)


def replay_task(args: Namespace, app: App) -> Answer:
    """Return what the task returns.

    Raises:
        TaskFailedError: When it raises.
    """
    if args.pdb and not (app.options.allows_input and sys.stdin.isatty()):
        raise UsageError(
            "--pdb needs a terminal to type at: stdin is none, or --no-input is given.",
            hint="Leave out --pdb, or run it by hand.",
        )
    run = find_run(app.store, args.run_id)
    task_runs = app.store.list_task_runs(run.run_id)
    task_run = require_task(run, task_runs, args.task)
    with stdout_to_stderr():
        flow = recorded_flow(run, args.flow)
        from dagy import local

        replay = local.prepare_replay(flow, run.run_id, task_run.task_id, reader=app.store)
    for difference in replay.differences:
        app.console.alert(f"warning: {difference}")
    app.console.note(f"Replaying task {task_run.task_id} of run {run.run_id}: {_then(task_run)}")
    try:
        with stdout_to_stderr():
            value = replay.call()
    except (KeyboardInterrupt, Terminated):
        raise
    except BaseException as error:  # noqa: BLE001  (whatever the author's function raises)
        _explain(error, replay, app, opens_debugger=args.pdb)
    view = replay_view(task_run, replay.differences, value, width=app.console.columns)
    return Answer(view)


def _then(task_run: TaskRun) -> str:
    error = f" ({task_run.error})" if task_run.error else ""
    return f"then it was {task_run.status}{error}"


def _explain(error: BaseException, replay: Replay, app: App, *, opens_debugger: bool) -> NoReturn:
    # Imported here: it knows where the SDK is.
    from dagy_cli.author_traceback import author_traceback

    from_author = author_traceback(error)
    if from_author is None and isinstance(error, DagyError):
        raise error  # it is the engine that has something to say, not the task
    app.console.alert("".join(format_exception(type(error), error, from_author)).rstrip("\n"))
    if opens_debugger:
        _debug(from_author or error.__traceback__, app)
    raise TaskFailedError(
        f"Task {replay.task_run.task_id!r} failed: {_summary(error)}",
        hint=None if opens_debugger else "See it from inside with --pdb.",
        run_id=replay.task_run.run_id,
        task_id=replay.task_run.task_id,
    ) from error


def _debug(traceback: TracebackType | None, app: App) -> None:
    import pdb

    # On a terminal stdout lets people edit what they type; a pipe takes nothing but the answer.
    with nullcontext() if app.console.stdout.isatty() else stdout_to_stderr():
        pdb.post_mortem(traceback)


def _summary(error: BaseException) -> str:
    # Before it may be lines of source code, behind it notes.
    texts = format_exception_only(type(error), error)
    text = next((each for each in texts if not each.startswith(" ")), texts[0])
    return shortened(" ".join(text.split()), _LONGEST_ERROR, Surface(is_unicode=False))
