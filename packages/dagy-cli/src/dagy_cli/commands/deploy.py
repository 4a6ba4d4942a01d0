"""`dagy deploy`: bring an archive to a server, and give the flow in it a name to run under."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagy_cli.app import Answer, App
from dagy_cli.arguments import parameter
from dagy_cli.bucket_storage import BUCKET_VARIABLE, bucket_storage
from dagy_cli.config_file import settings_of
from dagy_cli.deployment_views import change_line, deployed_view, plan_view
from dagy_cli.exit_codes import ExitCode
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import Flags, Settings
from dagy_cli.terminal_input import can_ask, confirm
from dagy_cli.upload_progress import upload_progress
from dagy_types.errors import UsageError

if TYPE_CHECKING:
    from dagy.deploy import DeploymentPlan


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy deploy`."""
    parser.description = (
        "Bring an archive of dagy build to a server: upload it, register the flow in it, and make\n"
        "or change the deployment that runs it. Every byte is verified first, and none of it is\n"
        "imported. What the server has already is left alone; a version of a flow never changes."
    )
    add = parser.add_argument
    add("artifact", metavar="ARTIFACT.zip", help="the archive, as dagy build writes it")
    add("--deployment", metavar="NAME", help="the name to run under (the name of the flow)")
    add("--namespace", metavar="NS", help="where a new version of the flow belongs; it stays there")
    add(
        "--tag",
        type=parameter,
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="tags",
        help="mark flow and deployment with it (the tags of the flow); may be repeated",
    )
    add("--dry-run", action="store_true", help="show what would change, and change nothing")
    add("--exit-code", action="store_true", help="with --dry-run: exit with 8 if that is anything")
    add("--yes", action="store_true", help="do not ask, where the profile is protected")
    add("--flow-name", metavar="N", help="refuse an archive of a flow with another name")
    add("--flow-version", metavar="V", help="refuse an archive of another version")
    add_format_option(parser)
    parser.add_examples(
        "dagy deploy daily.zip",
        "dagy deploy daily.zip --deployment nightly --tag env=prod --tag team=data",
        "dagy deploy daily.zip --dry-run --exit-code",
        "dagy deploy daily.zip --profile prod --yes --format json",
    )
    parser.set_defaults(handler=deploy)


def deploy(args: Namespace, app: App) -> Answer:
    """Deploy, or return what that would do."""
    if args.exit_code and not args.dry_run:
        raise UsageError(
            "--exit-code belongs to --dry-run.", hint="Add --dry-run, or leave it out."
        )
    settings = settings_of(Flags(profile=app.options.profile), app.environ)
    needs_yes = settings.is_protected and not args.yes and not args.dry_run
    if needs_yes and not can_ask(app):
        raise _unconfirmed(settings, "and nobody can be asked here")
    # The SDK takes a while to load; other commands have no need of it.
    from dagy.deploy import carry_out, plan_deployment, read_archive

    archive = read_archive(args.artifact, flow_name=args.flow_name, flow_version=args.flow_version)
    client = app.client()
    plan = plan_deployment(
        client,
        archive,
        deployment_name=args.deployment,
        namespace=args.namespace,
        tags=dict(args.tags),
        storage=bucket_storage(app.environ),
    )
    if args.dry_run:
        return _forecast(plan, has_exit_code=args.exit_code)
    if needs_yes and not plan.is_done and not confirm(_question(plan, settings), app.console):
        raise _unconfirmed(settings, "and the answer was not yes")
    with upload_progress(app.console, archive.path.name) as on_progress, _explained(app):
        done = carry_out(client, plan, on_progress=on_progress)
    notes = () if done.is_changed else ("The server has all of this already: nothing was changed.",)
    return Answer(deployed_view(done), notes=notes)


def _forecast(plan: DeploymentPlan, *, has_exit_code: bool) -> Answer:
    note = "The server has all of this already: there is nothing to do."
    if not plan.is_done:
        note = f"Nothing is changed. Without --dry-run: {change_line(plan)}"
    is_pending = has_exit_code and not plan.is_done
    return Answer(
        plan_view(plan), exit_code=ExitCode.PENDING if is_pending else ExitCode.OK, notes=(note,)
    )


def _question(plan: DeploymentPlan, settings: Settings) -> str:
    server = settings.require_api_url().value
    return f"Profile {settings.login_name!r} is protected. At {server}: {change_line(plan)}. Go on?"


def _unconfirmed(settings: Settings, why: str) -> UsageError:
    return UsageError(
        f"Nothing is deployed: profile {settings.login_name!r} is protected, {why}.",
        hint="Look at it with --dry-run, and deploy with --yes.",
    )


@contextmanager
def _explained(app: App) -> Iterator[None]:
    """Say where a refusal may come from that the archive's place in a bucket causes."""
    try:
        yield
    except UsageError as error:
        if not app.environ.get(BUCKET_VARIABLE):
            raise
        raise UsageError(
            error.message,
            hint=f"If the server reads from no bucket, unset {BUCKET_VARIABLE}: then the archive "
            "is sent to the server itself.",
        ) from error
