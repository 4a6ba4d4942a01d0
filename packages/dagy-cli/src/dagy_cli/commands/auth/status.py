"""`dagy auth status`: every login of this machine, without asking anybody."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from dagy_auth import CredentialStores
from dagy_cli.account_views import LoginStatus, state_of, statuses_view
from dagy_cli.accounts import SERVICE, Account, token_variable
from dagy_cli.app import Answer, App
from dagy_cli.auth_notices import notices_on
from dagy_cli.config_file import config_file_of
from dagy_cli.exit_codes import ExitCode
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import Flags, resolve
from dagy_store import local_directory
from dagy_types.errors import AuthError, ConfigError, CredentialStoreError, NotLoggedInError

if TYPE_CHECKING:
    from dagy_auth import CredentialStore


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy auth status`."""
    parser.description = (
        "Show every login of this machine: where its token comes from, where it is kept, whether "
        "it is still good. Asks nobody. The profile in use has a *; the exit code is 3 when it has "
        "no login that is good."
    )
    add_format_option(parser, has_names=True)
    parser.add_examples("dagy auth status", "dagy auth status --profile prod --format json")
    parser.set_defaults(handler=show_status)


def show_status(_: Namespace, app: App) -> Answer:
    """Return what is known of each login."""
    flags = Flags(profile=app.options.profile)
    file = config_file_of(flags, app.environ)
    stored = _stored(app.environ)
    settings = resolve(flags, app.environ, file, stored_names=stored)
    account = Account(settings, environ=app.environ, notify=notices_on(app.console))
    now = datetime.now(timezone.utc)
    statuses = []
    for name in sorted({*file.profiles, *stored, account.name}):
        store = stored.get(name)
        if name == account.name and (store is None or token_variable(app.environ)):
            statuses.append(_unstored(account, now))
        elif store is None:
            statuses.append(LoginStatus(profile=name, state="logged_out"))
        elif token_variable(app.environ):  # then no keyring is asked, not even here
            statuses.append(LoginStatus(profile=name, source="login", store=store))
        else:
            statuses.append(_opened(name, store, now))
    return _answer(statuses, selected=account.name, now=now)


def _stored(environ: Mapping[str, str]) -> dict[str, CredentialStore]:
    """Return what is stored where, by what the files say."""
    try:
        directory = local_directory(environ)
    except ConfigError:
        if token_variable(environ) is None:
            raise
        return {}
    stores = reversed(list(CredentialStores(directory, service=SERVICE)))
    return {name: store for store in stores for name in store.names()}


def _opened(name: str, store: CredentialStore, now: datetime) -> LoginStatus:
    try:
        tokens, fault = store.load(name), None
    except CredentialStoreError as error:
        tokens, fault = None, error
    return LoginStatus(
        profile=name,
        state=state_of(tokens, now),
        source="login",
        store=store,
        tokens=tokens,
        fault=fault,
    )


def _unstored(account: Account, now: datetime) -> LoginStatus:
    try:
        access = account.access()
    except NotLoggedInError:
        return LoginStatus(profile=account.name, state="logged_out")
    except (AuthError, ConfigError) as error:
        return LoginStatus(
            profile=account.name, source=token_variable(account.environ), fault=error
        )
    tokens = access.details()
    return LoginStatus(
        profile=account.name,
        state=state_of(tokens, now),
        source=access.description,
        tokens=tokens,
    )


def _answer(statuses: list[LoginStatus], *, selected: str, now: datetime) -> Answer:
    is_good = not any(
        each.state in ("logged_out", "expired") or each.fault is not None
        for each in statuses
        if each.profile == selected
    )
    return Answer(
        statuses_view(statuses, selected=selected, now=now),
        exit_code=ExitCode.OK if is_good else ExitCode.AUTH,
        complaints=tuple(line for each in statuses for line in _complaints(each)),
    )


def _complaints(status: LoginStatus) -> Iterator[str]:
    if status.fault is not None:
        yield f"warning: {status.profile}: {status.fault.message}"
        yield f"hint: {status.fault.hint}"
