"""`dagy run`: run a flow on this machine, and show what became of it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from dagy_cli.app import Answer, App
from dagy_cli.live_run import add_execution_options, answer_of, execute
from dagy_cli.parameters import add_flow_arguments, flow_with_parameters
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.redirect import stdout_to_stderr
from dagy_types import Run, RunRecorder

if TYPE_CHECKING:
    from dagy.local import LocalLogger, RunResult


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy run`."""
    parser.description = "Run a flow on this machine. Every task of it is recorded."
    add_flow_arguments(parser)
    add_execution_options(parser)
    add_format_option(parser)
    parser.add_examples(
        "dagy run etl.py",
        "dagy run etl.py:daily --param day=2026-11-01",
        "dagy run etl.py:daily --params params.json --no-fail-fast --format json",
        "dagy run etl.py:daily --executor processes --max-workers 4",
    )
    parser.set_defaults(handler=run_flow)


def run_flow(args: Namespace, app: App) -> Answer:
    """Run the flow and return its run, with the exit code that its outcome has."""
    with stdout_to_stderr():
        flow, parameters = flow_with_parameters(args)
        # Imported here: a wrong parameter is told without the engine.
        from dagy import local

        def start(recorder: RunRecorder, logger: LocalLogger) -> RunResult:
            return local.run_flow(
                flow,
                parameters,
                recorder=recorder,
                logger=logger,
                max_workers=args.max_workers,
                fail_fast=args.fail_fast,
                executor=args.executor,
            )

        def announcement(run: Run) -> str:
            return f"Run {run.run_id} (local): {flow.name} from {_file(args.target)}"

        ended = execute(start, app, announcement=announcement)
    return answer_of(ended, app)


def _file(target: str) -> str:
    return target.partition(":")[0]
