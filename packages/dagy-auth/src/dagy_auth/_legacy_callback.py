"""The login at a hosted Dagy app that hands its token to a callback, the way before OAuth.

The app's page ``/cli-login`` gets two parameters: ``callback``, a loopback URL, and ``state``. Once
its user has logged in, it sends the browser to the callback with ``state`` as it was and ``token``,
and where it knows them ``expires_at`` (seconds since 1970, or ISO 8601) and ``email``; or with
``error``. A token that is a JWT need not be told these two: it says them itself.
"""

from __future__ import annotations

from urllib.parse import urlencode

from dagy_auth._browser_login import random_secret, require_no_error
from dagy_auth._browser_visit import OpenBrowser, ReadRedirect, callback_of, open_in_browser
from dagy_auth._callback import Callback
from dagy_auth._claims import claimed_expiry, claimed_text, read_claims
from dagy_auth._loopback import LoopbackReceiver
from dagy_auth._notices import Notify, ignore
from dagy_auth._origin import origin_of
from dagy_auth._secret import Secret
from dagy_auth._sendable import host_of, require_sendable
from dagy_auth._token_response import point_in_time
from dagy_auth._token_set import TokenSet


def login_with_callback(
    app_url: str,
    *,
    origin: str,
    notify: Notify = ignore,
    open_browser: OpenBrowser | None = open_in_browser,
    read_redirect: ReadRedirect | None = None,
    timeout_seconds: float = 300.0,
) -> TokenSet:
    """Log a person in at an app that knows no OAuth, and return its token.

    Args:
        app_url: The app, such as ``https://dagy.io``.
        origin: The URL, or only the origin of it, that the token may be sent to.
        notify, open_browser, read_redirect, timeout_seconds: As `login_with_browser` has them.

    Raises:
        NoCallbackError: When the browser does not come back.
        AuthError: When the person refuses, or what comes back is no token.
        ConfigError: When a URL cannot be used.
    """
    host = host_of(app_url)
    token_origin = origin_of(origin)
    state = random_secret()
    with LoopbackReceiver(state=state, expects=("token", "error")) as receiver:
        callback = callback_of(
            receiver,
            _url(app_url, state=state, callback=receiver.redirect_uri),
            notify=notify,
            open_browser=open_browser,
            read_redirect=read_redirect,
            timeout_seconds=timeout_seconds,
        )
    require_no_error(callback, host=host)
    require_sendable(callback.secret("token"))
    return _tokens(callback, origin=token_origin)


def _url(app_url: str, *, state: Secret, callback: str) -> Secret:
    query = urlencode({"callback": callback, "state": state.reveal()})
    return Secret(f"{app_url.rstrip('/')}/cli-login?{query}")


def _tokens(callback: Callback, *, origin: str) -> TokenSet:
    token = callback.secret("token")
    claims = read_claims(token)
    return TokenSet(
        access_token=token,
        origin=origin,
        expires_at=point_in_time(callback.text("expires_at")) or claimed_expiry(claims),
        email=claimed_text(callback.parameters, "email") or claimed_text(claims, "email"),
        subject=claimed_text(claims, "sub"),
    )
