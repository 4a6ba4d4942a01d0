"""One login of one tool, from the first to the last day."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from dagy_auth._application import Application
from dagy_auth._browser_visit import OpenBrowser, ReadRedirect, open_in_browser
from dagy_auth._choice import CredentialStores
from dagy_auth._credential_store import CredentialStore
from dagy_auth._identity import Identity, fetch_identity
from dagy_auth._interactive_login import Way, login_interactively
from dagy_auth._login import LoginResult, login
from dagy_auth._logout import LogoutResult, logout
from dagy_auth._notices import Notify, Warned, ignore
from dagy_auth._origin import origin_of
from dagy_auth._origin_binding import require_origin
from dagy_auth._static_source import StaticTokenSource
from dagy_auth._stored_source import StoredTokenSource
from dagy_auth._surroundings import browser_obstacle
from dagy_auth._token_set import TokenSet


class Session:
    """Logs in, gives tokens and logs out, with what this package has for each.

    Making one touches nothing.

    Args:
        issuer: The provider of the login.
        origin: The URL of the API, or only the origin of it: tokens are sent there and nowhere
            else.
        store: Where the login is kept: a store, or those of which one is chosen at each login.
        name: Under which it is kept there, such as the name of a profile.
        identity_url: Where the API says whose token it got. With it, a login counts only when the
            API has accepted the token.
        app_url: As for `login_interactively`.
        login_hint: What a person is to do when there is no session any more.
        notify: Is told what is to be shown.
    """

    def __init__(
        self,
        issuer: str,
        application: Application,
        *,
        origin: str,
        store: CredentialStore | CredentialStores,
        name: str = "default",
        identity_url: str | None = None,
        app_url: str | None = None,
        login_hint: str = "Log in.",
        notify: Notify = ignore,
    ) -> None:
        self._issuer = issuer
        self._application = application
        self._origin = origin_of(origin)
        self._store = store
        self._name = name
        self._identity_url = identity_url
        self._app_url = app_url
        self._login_hint = login_hint
        self._notify = notify
        if identity_url is not None:
            hint = "Give the URL of the API itself."
            require_origin(identity_url, bound_to=self._origin, what="The token", hint=hint)

    def login(
        self,
        *,
        way: Way = "auto",
        environ: Mapping[str, str] = os.environ,
        open_browser: OpenBrowser | None = open_in_browser,
        read_redirect: ReadRedirect | None = None,
        timeout_seconds: float = 300.0,
    ) -> LoginResult:
        """Log a person in and store the tokens; see `login_interactively` and `login`.

        Args:
            environ: Tells whether a browser works here.
        """
        if isinstance(self._store, CredentialStores):
            store = self._store.for_login(on_fallback=self._tell_of_fallback)
        else:
            store = self._store
        obtain = partial(
            login_interactively,
            self._issuer,
            self._application,
            origin=self._origin,
            way=way,
            obstacle=browser_obstacle(environ),
            app_url=self._app_url,
            notify=self._notify,
            open_browser=open_browser,
            read_redirect=read_redirect,
            timeout_seconds=timeout_seconds,
        )
        verify = None if self._identity_url is None else self._verify
        result = login(store, self._name, obtain=obtain, verify=verify)
        if isinstance(self._store, CredentialStores):
            self._store.keep_only(store, self._name)
        return result

    def token_source(self) -> StoredTokenSource:
        """Return where the tokens of the login come from; they are renewed as needed."""
        return StoredTokenSource(
            self._stored_in(),
            self._name,
            origin=self._origin,
            login_hint=self._login_hint,
            notify=self._notify,
        )

    def logout(self) -> LogoutResult:
        """Revoke the tokens and delete them; see `logout`."""
        return logout(self._stored_in(), self._name)

    def _stored_in(self) -> CredentialStore:
        if isinstance(self._store, CredentialStores):
            return self._store.for_name(self._name)
        return self._store

    def _verify(self, tokens: TokenSet) -> Identity:
        assert self._identity_url is not None
        return fetch_identity(
            self._identity_url, StaticTokenSource(tokens.access_token, origin=tokens.origin)
        )

    def _tell_of_fallback(self, reason: str) -> None:
        self._notify(Warned(message=reason, hint="The login is stored in a file instead."))
