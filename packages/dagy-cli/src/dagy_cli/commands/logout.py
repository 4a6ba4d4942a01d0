"""`dagy logout`: end a login at its provider, and delete its tokens here."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagy_auth import CredentialStores
from dagy_cli.accounts import OLDER_FILE_NAME, SERVICE, require_no_token_variable
from dagy_cli.app import Answer, App
from dagy_cli.config_file import config_file_of
from dagy_cli.departures import Departure, end_logins, stored_names
from dagy_cli.exit_codes import ExitCode
from dagy_cli.failure import complaint_lines
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import Flags, Settings, resolve
from dagy_cli.render.cells import time_cell
from dagy_cli.render.view import Cell, Lines, View
from dagy_store import local_directory
from dagy_types import format_time
from dagy_types.errors import UsageError

if TYPE_CHECKING:
    from dagy_auth import CredentialStore


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy logout`."""
    parser.description = (
        "Log out: have the provider revoke the tokens, if it answers within five seconds, and "
        "delete them here in any case."
    )
    parser.add_argument("--all", action="store_true", help="log out of every profile")
    parser.add_argument(
        "--require-revoke",
        action="store_true",
        help="exit with 4 when a token was not revoked",
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy logout", "dagy logout --profile prod --require-revoke", "dagy logout --all"
    )
    parser.set_defaults(handler=log_out)


def log_out(args: Namespace, app: App) -> Answer:
    """Return which logins have ended."""
    if args.all and app.options.profile is not None:
        raise UsageError(
            "--all and --profile cannot be used together.", hint="Leave out one of them."
        )
    require_no_token_variable(app.environ)
    directory = local_directory(app.environ)
    stores = list(CredentialStores(directory, service=SERVICE))
    settings = None if args.all else _settings(app, stores)
    name = None if settings is None else settings.login_name
    departures = end_logins(stores, name, older_file=directory / OLDER_FILE_NAME)
    exit_code, complaints = _outcome(departures, requires_revoke=args.require_revoke)
    return Answer(
        View(
            documents=[_document(each) for each in departures if each.fault is None],
            is_list=True,
            blocks=[Lines(_lines(departures, settings))],
        ),
        exit_code=exit_code,
        complaints=complaints,
    )


def _settings(app: App, stores: Sequence[CredentialStore]) -> Settings:
    flags = Flags(profile=app.options.profile)
    names = {name for store in stores for name in stored_names(store)}
    file = config_file_of(flags, app.environ)
    return resolve(flags, app.environ, file, stored_names=names)


def _outcome(
    departures: Sequence[Departure], *, requires_revoke: bool
) -> tuple[ExitCode, tuple[str, ...]]:
    lines = [line for each in departures for line in _warnings(each)]
    faults = [each.fault for each in departures if each.fault is not None]
    for fault in faults:
        lines += complaint_lines(fault.message, fault.hint)
    if faults:
        return ExitCode.AUTH, tuple(lines)
    if requires_revoke and not all(each.is_revoked for each in departures):
        lines += complaint_lines(
            "Not every token was revoked; all are deleted here.",
            "Revoke them at the provider, or wait until they expire.",
        )
        return ExitCode.NETWORK, tuple(lines)
    return ExitCode.OK, tuple(lines)


def _lines(departures: Sequence[Departure], settings: Settings | None) -> list[Sequence[Cell]]:
    ended = [each for each in departures if each.fault is None]
    if settings is None:
        lines = [f"Logged out: {each.name}" for each in ended]
        return [[Cell(line)] for line in lines or ["Nobody is logged in."]]
    title = "" if settings.profile is None else f" for profile {settings.login_name}"
    return [[Cell(f"{'Logged out' if ended else 'Not logged in'}{title}.")]]


def _document(departure: Departure) -> Mapping[str, Any]:
    return {
        "login": departure.name,
        "revoked": departure.is_revoked,
        "reason": departure.reason,
        "expires_at": departure.expires_at and format_time(departure.expires_at),
    }


def _warnings(departure: Departure) -> Iterator[str]:
    if departure.reason is not None:
        end = "it expires"
        if departure.expires_at is not None:
            end = time_cell(departure.expires_at).text
        yield (
            f"warning: The token of {departure.name} is deleted and not revoked; it is good until "
            f"{end}: {departure.reason}"
        )
    if departure.leftover is not None:
        yield f"warning: {departure.leftover.message}"
        yield f"hint: {departure.leftover.hint}"
