"""`dagy login`: log in to the server of a profile, and keep the tokens."""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import partial
from typing import TYPE_CHECKING

from dagy_auth import (
    CredentialStores,
    FileStore,
    UnsavedTokensError,
    browser_obstacle,
    login,
    login_with_token,
    read_secret,
)
from dagy_cli.account_views import login_document
from dagy_cli.accounts import SERVICE, Account, account_for, require_no_token_variable
from dagy_cli.app import Answer, App
from dagy_cli.auth_notices import notices_on
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.profiles import STORAGES, Flags
from dagy_cli.redirect import stdout_to_stderr
from dagy_cli.render.view import Cell, Lines, View
from dagy_cli.sign_in import Way, obtain_tokens, verify
from dagy_cli.terminal_input import PastedLines, can_ask, confirm
from dagy_types.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagy_auth import CredentialStore, LoginResult, TokenSet


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy login`."""
    parser.description = (
        "Log in to a server: by the browser, or by a code where none works.\n"
        "The tokens are kept in the keyring of this machine, or in a private file."
    )
    add = parser.add_argument
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--device", action="store_true", help="log in by a code, with a browser on any device"
    )
    ways.add_argument(
        "--with-token", action="store_true", help="read a token from stdin, such as an API key"
    )
    add("--no-browser", action="store_true", help="open no browser; show the URL")
    add("--storage", choices=STORAGES, help="where to keep the tokens (auto)")
    add(
        "--require-encrypted",
        action="store_true",
        help="fail, rather than keep the tokens where they are not encrypted",
    )
    add_format_option(parser)
    parser.add_examples(
        "dagy login",
        "dagy login --profile prod --device",
        "dagy login --no-browser --storage file",
        "dagy login --with-token < api-key.txt",
    )
    parser.set_defaults(handler=log_in)


def log_in(args: Namespace, app: App) -> Answer:
    """Return who has logged in, once the tokens are stored and the server has accepted them."""
    require_no_token_variable(app.environ)
    way = _way(args, app)
    account = account_for(
        Flags(profile=app.options.profile, storage=args.storage),
        app.environ,
        notify=notices_on(app.console, takes_pasted_url=way.read_redirect is not None),
    )
    obtain = _flow(account, way, with_token=args.with_token)
    stores = CredentialStores(
        account.directory,
        storage=account.settings.storage,
        require_encrypted=args.require_encrypted,
        service=SERVICE,
    )
    store = stores.for_login(on_fallback=app.console.note)
    prove = partial(verify, account=account)
    try:
        # A browser writes where it pleases, and may stay open: stdout is not for it.
        with stdout_to_stderr():
            result = login(store, account.name, obtain=obtain, verify=prove)
    except UnsavedTokensError as error:
        tokens = error.tokens
        store = _other_store(stores, store, error, app)
        result = login(store, account.name, obtain=lambda: tokens, verify=prove)
    stores.keep_only(store, account.name)
    return _answer(result, account)


def _way(args: Namespace, app: App) -> Way:
    is_by_hand = args.no_browser or browser_obstacle(app.environ) is not None
    takes_pasted_url = is_by_hand and not args.device and can_ask(app)
    return Way(
        is_device=args.device,
        opens_browser=not args.no_browser,
        read_redirect=PastedLines(sys.stdin.fileno()) if takes_pasted_url else None,
    )


def _flow(account: Account, way: Way, *, with_token: bool) -> Callable[[], TokenSet]:
    server = account.api_url.value  # a login without a server ends here, before anybody is asked
    if not with_token:
        return partial(obtain_tokens, account, way)
    if sys.stdin.isatty():
        raise UsageError(
            "--with-token reads the token from stdin, and that is the terminal.",
            hint="Give it a file or a pipe: dagy login --with-token < api-key.txt",
        )
    return partial(login_with_token, read_secret(sys.stdin.buffer), origin=server)


def _other_store(
    stores: CredentialStores, store: CredentialStore, error: UnsavedTokensError, app: App
) -> CredentialStore:
    """Return the file, when the keyring did not keep the tokens and a file may have them.

    Raises:
        UnsavedTokensError: When it may not, or nobody can be asked.
    """
    files = [each for each in stores if isinstance(each, FileStore) and each is not store]
    if not files:
        raise error
    unsaved = UnsavedTokensError(
        error.message, hint="Log in again with --storage file.", tokens=error.tokens
    )
    if not can_ask(app):
        raise unsaved
    app.console.alert(f"warning: {error.message}")
    if not confirm(f"Keep the tokens in {files[0].location}, not encrypted?", app.console):
        raise unsaved
    files[0].probe()
    return files[0]


def _answer(result: LoginResult, account: Account) -> Answer:
    tokens = result.tokens
    who = tokens.email or tokens.subject
    document = login_document(tokens, profile=account.name, server=account.api_url.value) | {
        "storage": result.location,
        "encrypted": result.is_encrypted,
    }
    line = f"Logged in as {who}" if who else f"Logged in to {account.api_url.value}"
    return Answer(
        View(documents=[document], is_list=False, blocks=[Lines([[Cell(line)]])]),
        notes=(_where(result),),
    )


def _where(result: LoginResult) -> str:
    if result.is_encrypted:
        return f"The tokens are in {result.location}, encrypted. For a file instead: --storage file"
    return (
        f"The tokens are in {result.location} (mode 600, not encrypted). "
        "For the keyring instead: --storage keyring"
    )
