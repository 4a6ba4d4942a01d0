"""The token of a stored login, renewed by one thread of one process for all others."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta, timezone
from threading import Lock
from time import monotonic

from dagy_auth._clock import utc_now
from dagy_auth._credential_store import CredentialStore
from dagy_auth._notices import Notify, Warned, ignore
from dagy_auth._origin import origin_of
from dagy_auth._origin_binding import require_origin
from dagy_auth._renewal import refresh
from dagy_auth._secret import Secret
from dagy_auth._token_set import TokenSet
from dagy_types.errors import DagyError, NotLoggedInError, TokenExpiredError

_RETRY_SECONDS = 10.0
"""For how long a token that is still valid is given without another try to renew it."""

_PROMPT_SECONDS = 60.0
"""A renewed token that is refused as soon as this is not renewed again."""


class StoredTokenSource:
    """Gives the access token of a stored login, and renews it shortly before it expires.

    The store is read once, and again when the token must be renewed: whoever holds the store's
    lock looks first whether another process has renewed it already. A process that is killed after
    the provider has answered and before the answer is stored loses a rotated refresh token; between
    the two there is nothing but a look whether somebody has logged out, and the store's `save`.

    Args:
        store: Where the login is.
        name: Its name there.
        origin: The URL, or only the origin of it, that tokens are wanted for. With it, a URL of
            another origin is refused before the store is read.
        renew: Gives new tokens for old ones, and raises `TokenExpiredError` when the provider
            refuses that.
        early_seconds: How long before it expires a token is renewed.
        login_hint: What to do when there is no session any more.
        notify: Is told when renewed tokens could not be stored: this process goes on with them.
    """

    def __init__(
        self,
        store: CredentialStore,
        name: str,
        *,
        origin: str | None = None,
        renew: Callable[[TokenSet], TokenSet] = refresh,
        now: Callable[[], datetime] = utc_now,
        early_seconds: float = 60.0,
        login_hint: str = "Log in.",
        notify: Notify = ignore,
    ) -> None:
        self._store = store
        self._name = name
        self._origin = None if origin is None else origin_of(origin)
        self._renew = renew
        self._now = now
        self._early = timedelta(seconds=early_seconds)
        self._login_hint = login_hint
        self._notify = notify
        self._turn = Lock()
        self._stored: TokenSet | None = None  # what the store had when it was last looked at
        self._current: TokenSet | None = None  # newer than that when it could not be stored
        self._renew_at: datetime | None = None
        self._renewed_at: datetime | None = None
        self._rejected: Secret | None = None  # the last access token that the server refused
        self._ended: TokenSet | None = None  # cannot be renewed any more
        self._failure: DagyError | None = None
        self._failed_at = 0.0

    @property
    def description(self) -> str:
        """What it is, for people."""
        return f"the login {self._name!r} in {self._store.location}"

    def token(self, url: str) -> str:
        """Return a valid access token; see `dagy_types.TokenSource`.

        Raises:
            NotLoggedInError: When there is no login, or none for the URL's origin.
            TokenExpiredError: When it has expired or was refused, and cannot be renewed.
            NetworkError: When it has expired, and the provider does not answer.
            CredentialStoreError: When the store does not work.
        """
        asked_at = monotonic()
        with self._turn:
            if self._failure is not None and asked_at < self._failed_at:
                raise copy(self._failure)  # what came out while this thread waited for its turn
            return self._valid_tokens(url).access_token.reveal()

    async def token_async(self, url: str) -> str:
        """Do what `token` does without holding up the event loop."""
        from asyncio import to_thread

        return await to_thread(self.token, url)

    def reject(self, token: str) -> None:
        """The server has refused this token: the next one is a renewed one, or none.

        When a token is refused as soon as it was renewed, the session has ended.
        """
        with self._turn:
            if self._current is None or self._current.access_token != Secret(token):
                return  # another thread was first
            self._rejected = self._current.access_token
            prompt = timedelta(seconds=_PROMPT_SECONDS)
            if self._renewed_at is not None and abs(self._now() - self._renewed_at) < prompt:
                self._ended = self._current

    def _valid_tokens(self, url: str) -> TokenSet:
        if self._origin is not None:
            self._require(url, self._origin)
        if self._current is None:
            self._stored = self._load()
            self._adopt(self._stored, early=self._early)
        tokens = self._current
        assert tokens is not None
        self._require(url, tokens.origin)
        is_due = self._renew_at is not None and self._now() >= self._renew_at
        if self._is_usable(tokens) and not is_due:
            return tokens
        try:
            return self._renewed(tokens, url)
        except NotLoggedInError:
            raise
        except DagyError as error:
            tokens = self._current or tokens
            if self._is_usable(tokens):
                self._renew_at = self._now() + timedelta(seconds=_RETRY_SECONDS)
                return tokens
            if isinstance(error, TokenExpiredError):
                raise self._end_of(tokens) from None
            self._failure, self._failed_at = error, monotonic()
            raise

    def _renewed(self, tokens: TokenSet, url: str) -> TokenSet:
        with self._store.lock(self._name):
            stored = self._load()
            self._require(url, stored.origin)
            if stored != self._stored:  # another process has renewed it, or somebody logged in
                tokens = self._stored = stored
                self._adopt(stored)
                if self._is_usable(stored):
                    return stored
            if tokens == self._ended:
                raise self._end_of(tokens)
            try:
                renewed = self._renew(tokens)
            except TokenExpiredError:
                self._ended = tokens
                raise
            self._renewed_at = self._now()
            self._adopt(renewed)
            self._save(renewed)
        if not self._is_usable(renewed):
            raise self._end_of(renewed)
        return renewed

    def _load(self) -> TokenSet:
        tokens = self._store.load(self._name)
        if tokens is None:
            self._current = None
            raise NotLoggedInError(f"There is no login {self._name!r}.", hint=self._login_hint)
        return tokens

    def _save(self, renewed: TokenSet) -> None:
        try:
            self._load()  # who has logged out meanwhile stays logged out
            self._store.save(self._name, renewed)
        except NotLoggedInError:
            raise
        except DagyError as error:
            self._notify(
                Warned(
                    message=f"The renewed login {self._name!r} is not stored. {error.message}",
                    hint=error.hint or self._login_hint,
                )
            )
        else:
            self._stored = renewed

    def _adopt(self, tokens: TokenSet, *, early: timedelta | None = None) -> None:
        """Use these tokens, and renew them a while before they expire.

        A token that lives for less than twice that while is renewed halfway, where its life is
        known from having been renewed.
        """
        self._current = tokens
        self._renew_at = None
        if tokens.expires_at is not None:
            if early is None:
                early = min(self._early, (tokens.expires_at - self._now()) / 2)
            self._renew_at = tokens.expires_at - early

    def _is_usable(self, tokens: TokenSet) -> bool:
        if tokens.access_token == self._rejected:
            return False
        return tokens.expires_at is None or self._now() < tokens.expires_at

    def _require(self, url: str, origin: str) -> None:
        what = f"The login {self._name!r}"
        require_origin(url, bound_to=origin, what=what, hint=self._login_hint)

    def _end_of(self, tokens: TokenSet) -> TokenExpiredError:
        message = f"The session {self._name!r} is refused by {tokens.origin}."
        if tokens.expires_at is not None and tokens.access_token != self._rejected:
            ended = f"{tokens.expires_at.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S UTC}"
            message = f"The session {self._name!r} expired at {ended}."
        return TokenExpiredError(message, hint=self._login_hint)
