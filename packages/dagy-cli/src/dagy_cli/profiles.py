"""Which profile counts, what it says, and what beats it; where each value comes from is kept."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dagy_cli.render.view import DEFAULT_TABLE_FORMAT
from dagy_types.errors import ConfigError, UsageError

DEFAULT_APP_URL = "https://dagy.io"
DEFAULT_CLIENT_ID = "dagy-cli"
DEFAULT_NAME = "default"

Storage = Literal["auto", "keyring", "file"]
STORAGES: tuple[Storage, ...] = ("auto", "keyring", "file")

_DEFAULT = "the default"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value in force.

    Attributes:
        source: Where it comes from, for people.
    """

    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the file says of one profile; ``None`` for what it does not say.

    Attributes:
        is_protected: Whether nobody changes its server without saying so twice.
    """

    api_url: str | None = None
    app_url: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    auth_storage: str | None = None
    table_format: str | None = None
    last_updated: str | None = None
    is_protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """The file of profiles; without profiles when there is none."""

    path: Path
    default_profile: str | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the command line says; ``None`` for what it does not say."""

    profile: str | None = None
    storage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is in force.

    Attributes:
        profile: Its name; ``None`` when there are no profiles.
        issuer: The provider of logins; ``None`` leaves it to the server to say.
        auth_storage: One of `STORAGES`.
        table_format: A style of tabulate for tables on a terminal.
    """

    file: ConfigFile
    profile: Setting | None
    api_url: Setting | None
    app_url: Setting
    issuer: Setting | None
    client_id: Setting
    auth_storage: Setting
    table_format: Setting

    @property
    def storage(self) -> Storage:
        """Where tokens are kept."""
        return next(each for each in STORAGES if each == self.auth_storage.value)

    @property
    def is_protected(self) -> bool:
        """Whether the profile is marked as protected."""
        name = None if self.profile is None else self.profile.value
        return name is not None and self.file.profiles.get(name, Profile()).is_protected

    @property
    def login_name(self) -> str:
        """Under which name the login is stored."""
        return DEFAULT_NAME if self.profile is None else self.profile.value

    @property
    def login_command(self) -> str:
        """The command that logs in here."""
        option = "" if self.profile is None else f" --profile {shlex.quote(self.profile.value)}"
        return f"dagy login{option}"

    def require_api_url(self) -> Setting:
        """Return the URL of the server.

        Raises:
            ConfigError: When there is none.
        """
        if self.api_url is not None:
            return self.api_url
        if self.profile is None:
            raise ConfigError(
                "No server is known: DAGY_API_URL is not set, and there are no profiles.",
                hint="Set DAGY_API_URL, or run: dagy config set api_url URL",
            )
        raise ConfigError(
            f"No server is known: profile {self.profile.value!r} has no api_url.",
            hint=f"Run: dagy config set api_url URL --profile {shlex.quote(self.profile.value)}",
        )


def resolve(
    flags: Flags,
    environ: Mapping[str, str],
    file: ConfigFile,
    *,
    stored_names: Collection[str] = (),
) -> Settings:
    """Return what is in force; an empty variable counts as absent.

    Args:
        stored_names: Names of stored logins, which may be chosen though the file has no such
            profile any more.

    Raises:
        UsageError: When the chosen profile is unknown.
        ConfigError: When the file or the environment says what cannot be.
    """
    # 1. The profile: flag, environment, the file's default, the alphabetically first
    chosen = _first(
        (flags.profile, "--profile"),
        (environ.get("DAGY_PROFILE"), "DAGY_PROFILE"),
        (file.default_profile, f"default_profile in {file.path}"),
        (min(file.profiles, default=None), f"the first in {file.path}"),
    )
    if chosen is not None:
        _require_known(chosen, file, stored_names)
    profile = Profile() if chosen is None else file.profiles.get(chosen.value, Profile())
    place = "" if chosen is None else f"profile {chosen.value!r} in {file.path}"
    # 2. The URLs: environment, profile, default
    api_url = _first((environ.get("DAGY_API_URL"), "DAGY_API_URL"), (profile.api_url, place))
    app_url = _first((environ.get("DAGY_APP_URL"), "DAGY_APP_URL"), (profile.app_url, place))
    # 3. Where tokens are kept: flag, environment, profile, default
    storage = _first(
        (flags.storage, "--storage"),
        (environ.get("DAGY_AUTH_STORAGE"), "DAGY_AUTH_STORAGE"),
        (profile.auth_storage, f"auth_storage of {place}"),
    )
    if storage is not None and storage.value not in STORAGES:
        raise ConfigError(
            f"There is no storage {storage.value!r} for tokens ({storage.source}).",
            hint=f"Use one of: {', '.join(STORAGES)}.",
        )
    return Settings(
        file=file,
        profile=chosen,
        api_url=api_url,
        app_url=app_url or Setting(DEFAULT_APP_URL, _DEFAULT),
        # 4. The provider: profile, default
        issuer=_first((profile.issuer, f"issuer of {place}")),
        client_id=_first((profile.client_id, place)) or Setting(DEFAULT_CLIENT_ID, _DEFAULT),
        auth_storage=storage or Setting("auto", _DEFAULT),
        table_format=_first((profile.table_format, place))
        or Setting(DEFAULT_TABLE_FORMAT, _DEFAULT),
    )


def profile_to_change(chosen: str | None, environ: Mapping[str, str], file: ConfigFile) -> str:
    """Return the name of the profile that a change is meant for; it may be new.

    Args:
        chosen: As ``--profile`` gave it.
    """
    first = min(file.profiles, default=DEFAULT_NAME)
    return chosen or environ.get("DAGY_PROFILE") or file.default_profile or first


def _first(*candidates: tuple[str | None, str]) -> Setting | None:
    return next((Setting(value, source) for value, source in candidates if value), None)


def _require_known(chosen: Setting, file: ConfigFile, stored_names: Collection[str]) -> None:
    known = sorted({*file.profiles, *stored_names})
    if chosen.value in known:
        return
    hint = (
        f"Use one of: {', '.join(known)}."
        if known
        else "Run: dagy config set api_url URL --profile NAME"
    )
    if chosen.value == file.default_profile and chosen.source.startswith("default_profile"):
        message = f"{file.path} has no profile {chosen.value!r}, its default_profile."
        raise ConfigError(message, hint=hint)
    raise UsageError(f"There is no profile {chosen.value!r} ({chosen.source}).", hint=hint)
