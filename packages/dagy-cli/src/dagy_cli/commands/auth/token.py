"""`dagy auth token`: an access token for another program."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.account_views import token_view
from dagy_cli.accounts import account_for
from dagy_cli.app import Answer, App
from dagy_cli.auth_notices import notices_on
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import Flags
from dagy_types.errors import UsageError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy auth token`."""
    parser.description = (
        "Print an access token that is good now, renewed if need be, for another program to read. "
        "Whoever has it can do what you can: do not write it to a file or a log."
    )
    parser.add_argument("--yes", action="store_true", help="print it on a terminal, too")
    add_format_option(parser)
    parser.add_examples(
        "dagy auth token | my-tool --token-from-stdin", "dagy auth token --profile prod --yes"
    )
    parser.set_defaults(handler=give_token)


def give_token(args: Namespace, app: App) -> Answer:
    """Return the token."""
    if app.console.stdout.isatty() and not args.yes:
        raise UsageError(
            "The token would be shown on the terminal.",
            hint="Send it to a program: dagy auth token | PROGRAM, or add --yes.",
        )
    flags = Flags(profile=app.options.profile)
    account = account_for(flags, app.environ, notify=notices_on(app.console))
    access = account.access()
    with access.explained():
        token = access.source.token(account.api_url.value)
    return Answer(token_view(token, access.details(), server=account.api_url.value))
