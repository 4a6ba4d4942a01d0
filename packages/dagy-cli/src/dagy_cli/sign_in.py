"""The way from a server's URL to tokens that it accepts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dagy_auth import (
    Application,
    StaticTokenSource,
    browser_obstacle,
    fetch_identity,
    login_interactively,
    open_in_browser,
)
from dagy_cli.accounts import Account, naming_source_of
from dagy_cli.profiles import Setting
from dagy_types.errors import AuthError, ConfigError, DagyError, NotFoundError

if TYPE_CHECKING:
    from dagy_auth import Identity, ReadRedirect, TokenSet

BROWSER_SECONDS = 300.0
"""How long a person may take in the browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a person wants to log in.

    Attributes:
        is_device: By a code, on whatever device.
        opens_browser: Whether a browser may be opened here.
        read_redirect: Takes the URL that the browser ends at, where somebody can paste it.
    """

    is_device: bool = False
    opens_browser: bool = True
    read_redirect: ReadRedirect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a provider of logins may be.

    Attributes:
        app_url: The app that may know only the older token callback.
    """

    url: Setting
    app_url: str | None = None


def obtain_tokens(account: Account, way: Way) -> TokenSet:
    """Log a person in at the provider of an account.

    Raises:
        ConfigError: When no provider is found.
        AuthError: When the person or the provider refuses.
        NetworkError: When a provider does not answer.
    """
    places = list(_places(account))
    for place in places:
        try:
            with naming_source_of(place.url):
                return _log_in_at(place, account, way)
        except NotFoundError:
            continue
    raise _no_provider(places, way)


def verify(tokens: TokenSet, account: Account) -> Identity:
    """Return who the server of an account says that tokens belong to.

    Raises:
        AuthError: When it refuses them.
        DagyError: When it does not say.
    """
    source = StaticTokenSource(tokens.access_token, origin=account.api_url.value)
    try:
        with naming_source_of(account.api_url):
            return fetch_identity(account.identity_url, source)
    except AuthError as error:
        raise AuthError(
            f"{account.api_url.value} refuses the new token.",
            hint=f"Check that it is for this server ({account.api_url.source}). Nothing is stored.",
        ) from error
    except DagyError as error:
        raise type(error)(
            error.message,
            hint=f"The login is stored, and not confirmed. {error.hint or ''}".strip(),
        ) from error


def _places(account: Account) -> Iterator[_Place]:
    settings = account.settings
    if settings.issuer is not None:
        yield _Place(url=settings.issuer)
        return
    # A Dagy server is its own provider, under the root of its URL.
    parts = urlsplit(account.api_url.value)
    server = f"{parts.scheme}://{parts.netloc}"
    yield _Place(url=Setting(server, account.api_url.source))
    app, source = settings.app_url.value.rstrip("/"), settings.app_url.source
    reason = f"the app, from {source}; {server} does not say how to log in"
    yield _Place(url=Setting(app, reason), app_url=app)


def _log_in_at(place: _Place, account: Account, way: Way) -> TokenSet:
    obstacle = browser_obstacle(account.environ)
    if not way.opens_browser:
        # Whoever can paste needs no browser here; else only a code works from anywhere.
        obstacle = None if way.read_redirect is not None else "--no-browser is given"
    return login_interactively(
        place.url.value,
        Application(client_id=account.settings.client_id.value),
        origin=account.api_url.value,
        way="device" if way.is_device else "auto",
        obstacle=obstacle,
        app_url=place.app_url,
        notify=account.notify,
        open_browser=open_in_browser if way.opens_browser else None,
        read_redirect=way.read_redirect,
        timeout_seconds=BROWSER_SECONDS,
    )


def _no_provider(places: list[_Place], way: Way) -> DagyError:
    if way.is_device and places[-1].app_url is not None:
        return AuthError(
            f"{places[-1].app_url} has no login by a code.", hint="Leave out --device."
        )
    message = f"{places[-1].url.value} does not say how to log in ({places[-1].url.source})."
    return ConfigError(message, hint="Check the URL.")
