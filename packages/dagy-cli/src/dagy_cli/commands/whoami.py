"""`dagy whoami`: who the server sees, and where the token for that comes from."""

from __future__ import annotations

from argparse import Namespace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from dagy_auth import fetch_identity
from dagy_cli.account_views import state_of, whoami_view
from dagy_cli.accounts import Access, account_for
from dagy_cli.app import Answer, App
from dagy_cli.auth_notices import notices_on
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import Flags
from dagy_types.errors import AuthError, TokenExpiredError

if TYPE_CHECKING:
    from dagy_auth import Identity


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy whoami`."""
    parser.description = (
        "Show who you are to the server, where the token for that comes from, and when it ends."
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="ask nobody; show what is stored, marked as unverified",
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy whoami", "dagy whoami --profile prod --format json", "dagy whoami --offline"
    )
    parser.set_defaults(handler=show_identity)


def show_identity(args: Namespace, app: App) -> Answer:
    """Return who is logged in, with the exit code 3 when nobody is."""
    flags = Flags(profile=app.options.profile)
    account = account_for(flags, app.environ, notify=notices_on(app.console))
    access = account.access()
    identity = None if args.offline else _identity(access)
    with access.explained():
        tokens = access.details()
    now = datetime.now(timezone.utc)
    if args.offline and state_of(tokens, now) == "expired":
        raise access.expired_error()
    return Answer(
        whoami_view(
            identity,
            tokens,
            source=access.description,
            store=access.store,
            server=account.api_url,
            profile=account.settings.profile,
            now=now,
        )
    )


def _identity(access: Access) -> Identity:
    account = access.account
    with access.explained():
        try:
            return fetch_identity(account.identity_url, access.source)
        except TokenExpiredError:
            raise
        except AuthError as error:
            hint = error.hint
            if access.store is not None:
                hint = f"Run: {account.settings.login_command}"
            raise AuthError(error.message, hint=hint) from error
