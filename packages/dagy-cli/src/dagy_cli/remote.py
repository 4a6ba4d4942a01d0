"""The server of a profile, as commands speak to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagy_cli.accounts import account_for
from dagy_cli.auth_notices import notices_on
from dagy_cli.profiles import Flags
from dagy_cli.request_log import shown_requests
from dagy_client import DagyClient

if TYPE_CHECKING:
    from dagy_cli.app import App


@contextmanager
def connected(app: App) -> Iterator[DagyClient]:
    """Give a client of the server of the profile.

    Raises:
        UsageError: When there is no such profile.
        ConfigError: When the profile names no server, or the file of profiles cannot be used.
        NotLoggedInError: When there is no token for the server.
        TokenExpiredError: When the session ends meanwhile; it says how to log in again.
        NetworkError: When the server cannot be reached; it says where its URL comes from.
    """
    flags = Flags(profile=app.options.profile)
    account = account_for(flags, app.environ, notify=notices_on(app.console))
    url = account.api_url.value  # before a login: without a server, none would help
    access = account.access()
    with (
        shown_requests(app.options, app.console),
        access.explained(),
        DagyClient(url, access.source, product=_product()) as client,
    ):
        yield client


def _product() -> str:
    from importlib.metadata import version

    return f"dagy-cli/{version('dagy-cli')}"
