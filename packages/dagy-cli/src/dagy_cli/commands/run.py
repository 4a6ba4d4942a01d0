"""`dagy run`: run a flow on this machine, and show what became of it."""

from __future__ import annotations

from argparse import BooleanOptionalAction, Namespace
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from dagy_cli.app import Answer, App
from dagy_cli.arguments import positive_number
from dagy_cli.outcome import outcome_answer
from dagy_cli.parameters import add_flow_arguments, flow_with_parameters
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.progress import ProgressDisplay, WatchedRecorder, display_for
from dagy_cli.redirect import stdout_to_stderr
from dagy_cli.render import surface_of
from dagy_cli.render.cells import line_text, log_cells
from dagy_cli.render.view import Cell, Surface
from dagy_cli.termination import Terminated
from dagy_types import LogRecord, Run, RunStatus

if TYPE_CHECKING:
    from dagy import Flow
    from dagy.local import LocalLogger

_PRINTED = ("stdout", "stderr")  # the loggers of what tasks print


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy run`."""
    parser.description = "Run a flow on this machine. Every task of it is recorded."
    add_flow_arguments(parser)
    add = parser.add_argument
    add("--max-workers", type=positive_number, metavar="N", help="how many tasks may run at once")
    add(
        "--fail-fast",
        action=BooleanOptionalAction,
        default=None,
        help="whether the first failure ends the run (as the flow says; else it does)",
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy run etl.py",
        "dagy run etl.py:daily --param day=2026-11-01",
        "dagy run etl.py:daily --params params.json --no-fail-fast --format json",
    )
    parser.set_defaults(handler=run_flow)


def run_flow(args: Namespace, app: App) -> Answer:
    """Run the flow and return its run, with the exit code that its outcome has."""
    with stdout_to_stderr():
        flow, parameters = flow_with_parameters(args)
        run_id, value = _run(flow, parameters, args, app)
    run, task_runs = app.store.get_run(run_id), app.store.list_task_runs(run_id)
    return outcome_answer(run, task_runs, value=value)


def _run(
    flow: Flow[..., Any], parameters: Mapping[str, Any], args: Namespace, app: App
) -> tuple[str, Any]:
    from dagy import local

    def announce(run: Run) -> None:
        app.console.note(f"Run {run.run_id} (local): {flow.name} from {_file(args.target)}")

    display = display_for(app.console)
    recorder = WatchedRecorder(app.store, announce=announce, display=display)
    try:
        with display or nullcontext():
            result = local.run_flow(
                flow,
                parameters,
                recorder=recorder,
                logger=_logger(app, display),
                max_workers=args.max_workers,
                fail_fast=args.fail_fast,
            )
    except (KeyboardInterrupt, Terminated):
        for line in _stopped_lines(recorder):
            app.console.alert(line)
        raise
    return result.run_id, result.result() if result.status is RunStatus.SUCCEEDED else None


def _logger(app: App, display: ProgressDisplay | None) -> LocalLogger:
    from dagy.local import LocalLogger, is_verbose

    show = app.console.write_error if display is None else display.write_above
    surface = surface_of(app.console, app.console.stderr)
    verbose = app.options.is_verbose or is_verbose(app.environ)
    return LocalLogger(
        verbose=verbose, quiet=app.options.is_quiet, echo=_echo(show, surface, verbose=verbose)
    )


def _echo(
    show: Callable[[str], None], surface: Surface, *, verbose: bool
) -> Callable[[LogRecord], None]:
    def echo(record: LogRecord) -> None:
        is_bare = record.logger in _PRINTED and not verbose
        cells = (Cell(record.message),) if is_bare else log_cells(record)
        show(line_text(cells, surface))

    return echo


def _stopped_lines(recorder: WatchedRecorder) -> list[str]:
    if recorder.run_id is None:
        return []
    if recorder.final_status is None:
        what = "was cut off before its end was recorded"
    else:
        what = f"is recorded as {recorder.final_status}"
    return [f"Run {recorder.run_id} {what}.", f"See: dagy runs show {recorder.run_id}"]


def _file(target: str) -> str:
    return target.partition(":")[0]
