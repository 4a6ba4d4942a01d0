"""`dagy runs diff`: what differs between two runs."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.exit_codes import ExitCode
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.run_diff import RecordedRun, compare, outputs_in
from dagy_cli.run_diff_view import run_diff_view
from dagy_cli.run_places import find_run
from dagy_types import Run, RunReader
from dagy_types.errors import UsageError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs diff`."""
    parser.description = (
        "Compare two runs: flow, parameters, environment, and each task's code, status, attempts, "
        "output and error. Durations are shown, and are no difference. "
        "The exit code is 0 when nothing differs, else 8."
    )
    parser.add_argument("run_a", metavar="A", help="a run, by its id or the beginning of it")
    parser.add_argument("run_b", metavar="B", help="another one")
    add_format_option(parser)
    parser.add_examples(
        "dagy runs diff A B",
        "dagy runs diff A B --format json | jq -r .first_divergent_task",
    )
    parser.set_defaults(handler=diff_runs)


def diff_runs(args: Namespace, app: App) -> Answer:
    """Return what differs between the two runs."""
    a, b = (_recorded(find_run(app.store, each), app.store) for each in (args.run_a, args.run_b))
    if a.run.run_id == b.run.run_id:
        raise UsageError(
            f"Both are run {a.run.run_id!r}.", hint="Name two runs; dagy runs list shows them."
        )
    diff = compare(a, b, outputs_in(app.store, a.run.run_id, b.run.run_id))
    return Answer(
        run_diff_view(diff),
        exit_code=ExitCode.OK if diff.is_same else ExitCode.DIFFERENT,
        notes=tuple(
            f"Run {each.run.run_id} has not ended: what it shows may still change."
            for each in (a, b)
            if not each.run.status.is_terminal
        ),
    )


def _recorded(run: Run, store: RunReader) -> RecordedRun:
    return RecordedRun(
        run=run,
        spec=store.get_flow_spec(run.run_id),
        task_runs=store.list_task_runs(run.run_id),
    )
