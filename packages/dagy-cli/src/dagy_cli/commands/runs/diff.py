"""`dagy runs diff`: what differs between two runs."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.exit_codes import ExitCode
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.run_diff import RecordedRun, compare, outputs_in
from dagy_cli.run_diff_view import run_diff_view
from dagy_types import RunReader
from dagy_types.errors import UsageError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs diff`."""
    parser.description = (
        "Compare two runs: flow, parameters, environment, and each task's code, status, attempts, "
        "output and error. Durations are shown, and are no difference. "
        "The exit code is 0 when nothing differs, else 8."
    )
    parser.add_argument("run_a", metavar="A", help="the id of a run")
    parser.add_argument("run_b", metavar="B", help="the id of another one")
    add_format_option(parser)
    parser.add_examples(
        "dagy runs diff A B",
        "dagy runs diff A B --format json | jq -r .first_divergent_task",
    )
    parser.set_defaults(handler=diff_runs)


def diff_runs(args: Namespace, app: App) -> Answer:
    """Return what differs between the two runs."""
    if args.run_a == args.run_b:
        raise UsageError(
            f"Both are run {args.run_a!r}.", hint="Name two runs; dagy runs list shows them."
        )
    a, b = _recorded(args.run_a, app.store), _recorded(args.run_b, app.store)
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


def _recorded(run_id: str, store: RunReader) -> RecordedRun:
    return RecordedRun(
        run=store.get_run(run_id),
        spec=store.get_flow_spec(run_id),
        task_runs=store.list_task_runs(run_id),
    )
