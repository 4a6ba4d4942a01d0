"""The server that is deployed to, as programs name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagy_types.errors import ConfigError, NotLoggedInError, UsageError

if TYPE_CHECKING:
    from dagy_client import DagyClient
    from dagy_types import TokenSource

_URL_VARIABLE = "DAGY_API_URL"
_TOKEN_VARIABLE = "DAGY_TOKEN"  # noqa: S105 - the name of a variable


@contextmanager
def connected(
    *, api_url: str | None, auth: str | TokenSource | None, environ: Mapping[str, str]
) -> Iterator[DagyClient]:
    """Give a client of the server; nothing is sent yet.

    Raises:
        UsageError: When the package is not installed that speaks to servers.
        ConfigError: When nothing says which server.
        NotLoggedInError: When there is no token.
    """
    try:
        from dagy_client import DagyClient  # of an extra: who runs flows here does without it
    except ModuleNotFoundError:
        raise UsageError(
            "Deploying needs the package dagy-client, which is not installed.",
            hint="Run: pip install 'dagy[deploy]'",
        ) from None
    url = api_url or environ.get(_URL_VARIABLE)
    if not url:
        raise ConfigError(
            "Nothing says which server to deploy to.",
            hint=f"Give api_url=, or set {_URL_VARIABLE}.",
        )
    token = auth or environ.get(_TOKEN_VARIABLE)
    if not token:
        raise NotLoggedInError(
            f"There is no token for {url}.",
            hint=f"Give auth=, or set {_TOKEN_VARIABLE}; an API key is a token, too.",
        )
    with DagyClient(url, token) as client:
        yield client
