"""`dagy run`: run a flow on this machine, and show what became of it."""

from __future__ import annotations

import json
from argparse import BooleanOptionalAction, Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagy_cli.app import Answer, App
from dagy_cli.arguments import parameter, positive_number
from dagy_cli.exit_codes import run_exit_code
from dagy_cli.failure import complaint_lines
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.progress import ProgressDisplay, WatchedRecorder
from dagy_cli.redirect import stdout_to_stderr
from dagy_cli.render import surface_of
from dagy_cli.render.cells import duration_text, line_text, log_cells, shortened
from dagy_cli.render.view import Cell, Lines, Surface, View
from dagy_cli.run_views import run_with_tasks_document, tasks_table
from dagy_cli.termination import Terminated
from dagy_types import LogRecord, Run, RunStatus, TaskRun, TaskStatus
from dagy_types.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from dagy import Flow
    from dagy.local import LocalLogger

_LONGEST_VALUE = 200
_MOST_TASKS = 50
_PRINTED = ("stdout", "stderr")  # the loggers of what tasks print


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy run`."""
    parser.description = "Run a flow on this machine. Every task of it is recorded."
    add = parser.add_argument
    add("target", metavar="TARGET", help="PATH.py:FLOW, or PATH.py when it holds one flow")
    add(
        "--param",
        metavar="NAME=VALUE",
        action="append",
        type=parameter,
        default=[],
        help="a parameter of the flow, read by its annotation; may be repeated",
    )
    add("--params", metavar="FILE.json", help="parameters from a JSON object; --param beats it")
    add("--max-workers", type=positive_number, metavar="N", help="how many tasks may run at once")
    add(
        "--fail-fast",
        action=BooleanOptionalAction,
        default=True,
        help="whether the first failure ends the run (it does)",
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
    texts, values = _texts(args.param), _values(args.params)
    with stdout_to_stderr():
        # Imported here: only now is it certain that the SDK is needed.
        from dagy.loader import load_flow

        flow = load_flow(args.target)
        parameters = flow.parse_parameters(texts, values)
        run_id, value = _run(flow, parameters, args, app)
    run, task_runs = app.store.get_run(run_id), app.store.list_task_runs(run_id)
    return _answer(run, task_runs, value)


def _run(
    flow: Flow[..., Any], parameters: Mapping[str, Any], args: Namespace, app: App
) -> tuple[str, Any]:
    from dagy import local

    def announce(run: Run) -> None:
        app.console.note(f"Run {run.run_id} (local): {flow.name} from {_file(args.target)}")

    display = _display(app)
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


def _display(app: App) -> ProgressDisplay | None:
    if app.options.is_quiet or not app.console.can_redraw:
        return None
    return ProgressDisplay(app.console)


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


def _answer(run: Run, task_runs: Sequence[TaskRun], value: Any) -> Answer:
    shown = worth_showing(task_runs)
    lines = [_outcome(run, task_runs)]
    if len(shown) < len(task_runs):
        lines.insert(0, f"{len(task_runs) - len(shown)} more tasks: dagy runs show {run.run_id}")
    if value is not None:
        lines.append(f"Result: {result_text(value)}")
    return Answer(
        View(
            documents=[run_with_tasks_document(run, task_runs)],
            is_list=False,
            blocks=[tasks_table(shown), Lines([[Cell(line)] for line in lines])],
        ),
        exit_code=run_exit_code(run.status, run.reason),
        complaints=_complaints(run, task_runs),
    )


def worth_showing(task_runs: Sequence[TaskRun]) -> Sequence[TaskRun]:
    """Return all tasks of a small run; of a large one those that did not succeed, the first few."""
    if len(task_runs) <= _MOST_TASKS:
        return task_runs
    return [each for each in task_runs if each.status is not TaskStatus.SUCCEEDED][:_MOST_TASKS]


def _outcome(run: Run, task_runs: Sequence[TaskRun]) -> str:
    succeeded = sum(task_run.status is TaskStatus.SUCCEEDED for task_run in task_runs)
    took = "" if run.duration_seconds is None else f" in {duration_text(run.duration_seconds)}"
    count = f"{succeeded} of {len(task_runs)} tasks succeeded"
    return f"Run {run.run_id} {run.status}{took}: {count}."


def _complaints(run: Run, task_runs: Sequence[TaskRun]) -> tuple[str, ...]:
    if run.status is RunStatus.SUCCEEDED:
        return ()
    ended_badly = (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
    others = sum(task_run.status in ended_badly for task_run in task_runs) - 1
    more = f" (and {others} more)" if others > 0 else ""
    what = run.error or f"Run {run.run_id} is {run.status}."
    short = shortened(what, _LONGEST_VALUE, Surface(is_unicode=False))
    return complaint_lines(f"{short}{more}", f"See: dagy logs {run.run_id}")


def _stopped_lines(recorder: WatchedRecorder) -> list[str]:
    if recorder.run_id is None:
        return []
    if recorder.final_status is None:
        what = "was cut off before its end was recorded"
    else:
        what = f"is recorded as {recorder.final_status}"
    return [f"Run {recorder.run_id} {what}.", f"See: dagy runs show {recorder.run_id}"]


def result_text(value: Any) -> str:
    """Return what a flow returned, for people: text and paths bare, anything else short."""
    if isinstance(value, (str, Path)):
        return str(value)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # more than JSON can say: a date, a set, a dataclass
        text = repr(value)
    return shortened(text, _LONGEST_VALUE, Surface(is_unicode=False))


def _texts(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in pairs:
        if name in texts:
            raise UsageError(f"The parameter {name!r} is given twice.", hint="Leave one out.")
        texts[name] = value
    return texts


def _values(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.", hint="Check --params.") from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", hint="Check --params."
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.", hint="Check --params.") from error
    if not isinstance(values, dict):
        raise UsageError(
            f"{path} holds no JSON object.", hint='Write parameters as {"name": value, …}.'
        )
    return values


def _file(target: str) -> str:
    return target.partition(":")[0]
