"""The login of a person by the way that works where the person is."""

from __future__ import annotations

from typing import Literal

from dagy_auth._application import Application
from dagy_auth._browser_login import login_with_browser
from dagy_auth._browser_visit import OpenBrowser, ReadRedirect, open_in_browser
from dagy_auth._device_login import login_with_device
from dagy_auth._http import Http, borrowed
from dagy_auth._legacy_callback import login_with_callback
from dagy_auth._loopback import NoCallbackError
from dagy_auth._notices import Notify, Warned, ignore
from dagy_auth._provider import Provider, discover
from dagy_auth._token_set import TokenSet
from dagy_types.errors import NotFoundError

Way = Literal["auto", "browser", "device"]


def login_interactively(
    issuer: str,
    application: Application,
    *,
    origin: str,
    way: Way = "auto",
    obstacle: str | None = None,
    app_url: str | None = None,
    notify: Notify = ignore,
    open_browser: OpenBrowser | None = open_in_browser,
    read_redirect: ReadRedirect | None = None,
    timeout_seconds: float = 300.0,
    http: Http | None = None,
) -> TokenSet:
    """Log a person in by the browser, and by a code where the browser does not work.

    Args:
        issuer: The provider, which is asked for its endpoints.
        origin: The URL, or only the origin of it, that the access token may be sent to.
        way: "browser" and "device" leave no choice.
        obstacle: Why no browser works here, as `browser_obstacle` says. Then none is opened, and
            the login is by a code if the provider has that.
        app_url: An app that is used when the provider publishes no endpoints, because it knows only
            the older token callback.
        notify, open_browser, read_redirect, timeout_seconds: As `login_with_browser` has them.

    Raises:
        NotFoundError: When the provider publishes no endpoints.
        AuthError: When the person or the provider refuses, or no login is completed in time.
        NetworkError: When the provider does not answer.
        ConfigError: When a URL cannot be used.
    """
    if way == "auto" and obstacle is not None:
        open_browser = None
    with borrowed(http) as http:
        try:
            provider = discover(issuer, http=http)
        except NotFoundError:
            if app_url is None or way == "device":
                raise
            return login_with_callback(
                app_url,
                origin=origin,
                notify=notify,
                open_browser=open_browser,
                read_redirect=read_redirect,
                timeout_seconds=timeout_seconds,
            )
        reason = _reason_for_device(provider, way=way, obstacle=obstacle)
        if reason is None:
            try:
                return login_with_browser(
                    provider,
                    application,
                    origin=origin,
                    notify=notify,
                    open_browser=open_browser,
                    read_redirect=read_redirect,
                    timeout_seconds=timeout_seconds,
                    http=http,
                )
            except NoCallbackError as error:
                if way == "browser" or provider.device_authorization_endpoint is None:
                    raise
                reason = error.message
        if reason:
            hint = "Enter the code in a browser on any device."
            notify(Warned(message=reason, hint=hint))
        return login_with_device(provider, application, origin=origin, notify=notify, http=http)


def _reason_for_device(provider: Provider, *, way: Way, obstacle: str | None) -> str | None:
    """Return why to log in by a code, empty when that needs no words; ``None`` for the browser."""
    if way != "auto":
        return "" if way == "device" else None
    if provider.device_authorization_endpoint is None:
        return None
    if provider.authorization_endpoint is None:
        return ""
    return None if obstacle is None else f"No browser is opened, since {obstacle}."
