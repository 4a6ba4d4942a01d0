"""`dagy run`: run a flow, on this machine or at a server, and show what became of it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from dagy_cli import live_run, remote_run
from dagy_cli.app import Answer, App
from dagy_cli.failure import with_hint_for_missing
from dagy_cli.parameters import add_flow_arguments, flow_with_parameters, parameters_of_args
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.redirect import stdout_to_stderr
from dagy_cli.run_places import add_place_options, knows_a_server, server_place
from dagy_types import Run, RunRecorder
from dagy_types.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from dagy.local import LocalLogger, RunResult

_LOCAL_OPTIONS = ("executor", "max_workers", "fail_fast")
_REMOTE_OPTIONS = ("wait", "detach", "timeout", "idempotency_key")
_FILE_HINT = "A flow in a file is PATH.py:FLOW, for example etl.py:daily."


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy run`."""
    parser.description = (
        "Run a flow. PATH.py:FLOW runs on this machine, and every task of it is recorded. A bare\n"
        "name is that of a deployment: its server runs it, and the command follows it to its end."
    )
    add_flow_arguments(parser)
    add_place_options(
        parser, here="take the target for a file", there="take the target for a deployment"
    )
    live_run.add_execution_options(parser)
    remote_run.add_waiting_options(parser)
    add_format_option(parser, has_names=True)
    parser.add_examples(
        "dagy run etl.py",
        "dagy run etl.py:daily --param day=2026-11-01",
        "dagy run etl.py:daily --params params.json --no-fail-fast --format json",
        "dagy run etl.py:daily --executor processes --max-workers 4",
        "dagy run nightly --param day=2026-11-01 --timeout 600",
        "dagy run nightly --detach --idempotency-key 2026-11-01 --format json",
    )
    parser.set_defaults(handler=run_flow)


def run_flow(args: Namespace, app: App) -> Answer:
    """Run the flow and return its run, with the exit code that its outcome has."""
    if args.remote or not (args.local or _is_file(args.target)):
        _refuse(args, _LOCAL_OPTIONS, f"{args.target!r} is a deployment, which its server runs")
        return _run_there(args, app)
    _refuse(args, _REMOTE_OPTIONS, f"{args.target!r} runs on this machine")
    return _run_here(args, app)


def _run_there(args: Namespace, app: App) -> Answer:
    if not knows_a_server(app):
        raise ConfigError(
            f"{args.target!r} would be a deployment, and no server is known: DAGY_API_URL is not "
            "set, and no profile has an api_url.",
            hint=_FILE_HINT,
        )
    parameters = parameters_of_args(args)
    place = server_place(app)
    assert place.client is not None
    with with_hint_for_missing(f"Run: dagy deployments list. {_FILE_HINT}"):
        run = place.client.runs.trigger(
            args.target, parameters=parameters, idempotency_key=args.idempotency_key
        )
    return remote_run.answer_of(run, place, args, app, what=f"{run.flow_name} as {args.target}")


def _run_here(args: Namespace, app: App) -> Answer:
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
            return f"Run {run.run_id} (local): {flow.name} from {args.target.partition(':')[0]}"

        ended = live_run.execute(start, app, announcement=announcement)
    return live_run.answer_of(ended, app)


def _is_file(target: str) -> bool:
    """Whether a target is written as a file; what is there already decides nothing."""
    return ":" in target or "/" in target or target.endswith(".py")


def _refuse(args: Namespace, names: tuple[str, ...], why: str) -> None:
    for name in names:
        value = getattr(args, name)
        if value is not None and (name == "fail_fast" or value is not False):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} has no meaning here: {why}.", hint=f"Leave out {option}.")
