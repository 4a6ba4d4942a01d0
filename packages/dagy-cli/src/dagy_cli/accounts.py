"""The account of a profile: its server, where its login is kept, and where its tokens come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dagy_auth import (
    CredentialStores,
    Secret,
    StaticTokenSource,
    StoredTokenSource,
    login_with_token,
    origin_of,
    read_legacy_token,
    resolve_token_source,
)
from dagy_cli.config_file import settings_of
from dagy_cli.profiles import Flags, Setting, Settings
from dagy_cli.render.cells import time_cell
from dagy_store import local_directory
from dagy_types.errors import (
    ConfigError,
    NetworkError,
    NotLoggedInError,
    TokenExpiredError,
    UsageError,
)

if TYPE_CHECKING:
    from dagy_auth import CredentialStore, Notify, TokenSet
    from dagy_types import TokenSource

SERVICE = "dagy"
"""How the keyring calls us."""

OLDER_FILE_NAME = "credentials"

TOKEN_VARIABLES = ("DAGY_TOKEN", "DAGY_TOKEN_FILE")


class Account:
    """What a command needs to speak to the server of a profile.

    Making one touches nothing.

    Args:
        notify: Is told what is to be shown.
    """

    def __init__(self, settings: Settings, *, environ: Mapping[str, str], notify: Notify) -> None:
        self.settings = settings
        self.environ = environ
        self.notify = notify

    @property
    def name(self) -> str:
        """Under which its login is stored."""
        return self.settings.login_name

    @property
    def title(self) -> str:
        """How people call it."""
        return "" if self.settings.profile is None else f" for profile {self.name}"

    @cached_property
    def directory(self) -> Path:
        """The local directory."""
        return local_directory(self.environ)

    @cached_property
    def api_url(self) -> Setting:
        """The URL of the server, without a slash at its end.

        Raises:
            ConfigError: When there is none, or it is no URL.
        """
        setting = self.settings.require_api_url()
        with naming_source_of(setting):
            origin_of(setting.value)
        return Setting(setting.value.rstrip("/"), setting.source)

    @property
    def identity_url(self) -> str:
        """Where the server says whose token it got."""
        return f"{self.api_url.value}/me"

    @cached_property
    def stores(self) -> CredentialStores:
        """The stores that may have its login."""
        return CredentialStores(self.directory, storage=self.settings.storage, service=SERVICE)

    def access(self) -> Access:
        """Return where its token comes from: environment, stored login, file of older versions.

        Raises:
            NotLoggedInError: When there is no token.
            CredentialStoreError: When a store does not work.
            ConfigError: When the environment names a token that cannot be read.
        """
        # 1. The environment: no store is touched then
        if token_variable(self.environ) is not None:
            found = resolve_token_source(
                self.api_url.value, environ=self.environ, stored=self._stored_source
            )
            known = self._known(Secret(found.source.token(self.api_url.value)))
            return Access(self, found.source, found.description, known=known)
        # 2. The stored login
        store = self.stores.for_name(self.name)
        if self.name in store.names():
            return Access(self, self._stored_source(), "the stored login", store=store)
        # 3. The file of older versions
        path = self.directory / OLDER_FILE_NAME
        token = read_legacy_token(path)
        if token is not None:
            known = self._known(token)
            source = StaticTokenSource(token, origin=known.origin, expires_at=known.expires_at)
            return Access(self, source, f"{path}, of an older version", known=known)
        raise self.not_logged_in()

    def not_logged_in(self) -> NotLoggedInError:
        """Return the error of there being no token."""
        return NotLoggedInError(
            f"Not logged in{self.title}.",
            hint=f"Run: {self.settings.login_command} (or set DAGY_TOKEN)",
        )

    def _stored_source(self) -> StoredTokenSource:
        return StoredTokenSource(
            self.stores.for_name(self.name),
            self.name,
            origin=self.api_url.value,
            login_hint=f"Run: {self.settings.login_command}",
            notify=self.notify,
        )

    def _known(self, token: Secret) -> TokenSet:
        return login_with_token(token, origin=self.api_url.value)


@dataclass(frozen=True, slots=True)
class Access:
    """Where the token of an account comes from.

    Attributes:
        description: The place, for people.
        store: What keeps the login; ``None`` when the token is no login of ours.
        known: What is known of such a token.
    """

    account: Account
    source: TokenSource
    description: str
    store: CredentialStore | None = None
    known: TokenSet | None = None

    def details(self) -> TokenSet:
        """Return what is known of the token without asking anybody; some of it is unverified.

        Raises:
            AuthError: When there is no token any more.
        """
        tokens = self.known
        if self.store is not None:
            tokens = self.store.load(self.account.name)
        if tokens is None:
            raise self.account.not_logged_in()
        return tokens

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Tell what the end of a session and the silence of a server mean for this account.

        Raises:
            TokenExpiredError: In one line that says what to do, when one is raised inside.
            NetworkError: With where the URL comes from, when one is raised inside.
        """
        try:
            with naming_source_of(self.account.api_url):
                yield
        except TokenExpiredError as error:
            raise self.expired_error() from error

    def expired_error(self) -> TokenExpiredError:
        """Return the error of a session that has ended."""
        tokens = self.details()
        what = f"is refused by {self.account.api_url.value}"
        if tokens.expires_at is not None and tokens.expires_at <= datetime.now(timezone.utc):
            what = f"expired at {time_cell(tokens.expires_at).text}"
        if token_variable(self.account.environ) is not None:  # then no login is of any help
            hint = "Give another token, or none to use the stored login."
            return TokenExpiredError(f"The token from {self.description} {what}.", hint=hint)
        remedy = f"run {self.account.settings.login_command}"
        return TokenExpiredError(f"The session{self.account.title} {what}; {remedy}")


def account_for(flags: Flags, environ: Mapping[str, str], *, notify: Notify) -> Account:
    """Return the account that flags, environment and file choose.

    Args:
        notify: Is told what is to be shown.

    Raises:
        UsageError: When the chosen profile is unknown.
        ConfigError: When the file cannot be used.
    """
    return Account(settings_of(flags, environ), environ=environ, notify=notify)


def token_variable(environ: Mapping[str, str]) -> str | None:
    """Return the variable that has the token, if there is one."""
    return next((name for name in TOKEN_VARIABLES if environ.get(name)), None)


def require_no_token_variable(environ: Mapping[str, str]) -> None:
    """Refuse to change logins that do not count: a token in the environment beats them.

    Raises:
        UsageError: When there is one.
    """
    name = token_variable(environ)
    if name is not None:
        raise UsageError(
            f"{name} is set, and beats every stored login.", hint=f"Unset it first: unset {name}"
        )


@contextmanager
def naming_source_of(url: Setting) -> Iterator[None]:
    """Tell where a URL comes from, when it is of no use."""
    try:
        yield
    except NetworkError as error:
        raise NetworkError(
            error.message, hint=f"Check the network, and the URL {url.value} ({url.source})."
        ) from error
    except ConfigError as error:
        where = f"The URL {url.value} is from {url.source}."
        raise ConfigError(error.message, hint=f"{error.hint or ''} {where}".lstrip()) from error
