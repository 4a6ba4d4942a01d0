"""`dagy runs resume`: run what a run left undone, in a new run that takes over the rest."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from dagy_cli.app import Answer, App
from dagy_cli.live_run import add_execution_options, answer_of, execute
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.recorded_flow import add_flow_option, recorded_flow, require_task
from dagy_cli.redirect import stdout_to_stderr
from dagy_cli.render.cells import counted
from dagy_cli.run_places import add_run_id, find_run
from dagy_types import Run, RunRecorder, TaskStatus

if TYPE_CHECKING:
    from dagy.local import LocalLogger, RunResult


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy runs resume`."""
    parser.description = (
        "Run what a run of this machine left undone: a new run takes over the outputs of the "
        "tasks that succeeded, and runs the others."
    )
    add = parser.add_argument
    add_run_id(parser)
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument(
        "--from", dest="from_task", metavar="TASK", help="run this task again, and what needs it"
    )
    scope.add_argument(
        "--only-failed",
        action="store_true",
        help="run only what failed and what needs that, not what never started",
    )
    add(
        "--accept-code-change",
        action="store_true",
        help="take over outputs though the code that made them has changed",
    )
    add_flow_option(parser)
    add_execution_options(parser)
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy runs resume RUN",
        "dagy runs resume RUN --from load",
        "dagy runs resume RUN --from 'step[3]' --accept-code-change",
        "dagy runs resume RUN --flow moved/etl.py:daily --format json",
    )
    parser.set_defaults(handler=resume_run)


def resume_run(args: Namespace, app: App) -> Answer:
    """Resume the run and return the new one, with the exit code that its outcome has."""
    earlier = find_run(app.store, args.run_id)
    task_runs = app.store.list_task_runs(earlier.run_id)
    if args.from_task is not None:
        require_task(earlier, task_runs, args.from_task)
    succeeded = sum(each.status is TaskStatus.SUCCEEDED for each in task_runs)
    what = f"resumes {earlier.run_id} ({succeeded} of {counted(len(task_runs), 'task')} succeeded)"
    with stdout_to_stderr():
        flow = recorded_flow(earlier, args.flow)
        from dagy import local

        def start(recorder: RunRecorder, logger: LocalLogger) -> RunResult:
            return local.resume_flow(
                flow,
                earlier.run_id,
                reader=app.store,
                recorder=recorder,
                from_task=args.from_task,
                only_failed=args.only_failed,
                accept_code_change=args.accept_code_change,
                logger=logger,
                max_workers=args.max_workers,
                fail_fast=args.fail_fast,
                executor=args.executor,
            )

        def announcement(run: Run) -> str:
            return f"Run {run.run_id} (local): {run.flow_name} {what}"

        ended = execute(start, app, announcement=announcement)
    return answer_of(ended, app)
