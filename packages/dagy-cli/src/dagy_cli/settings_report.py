"""Every setting in force, and where it comes from (CLI-23); secrets are not among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagy_cli.accounts import token_variable
from dagy_cli.bucket_storage import BUCKET_VARIABLE, DEFAULT_REGION, REGION_VARIABLES
from dagy_cli.profiles import Setting, Settings

_DEFAULT = "the default"

_VARIABLES = (
    ("artifact_bucket", (BUCKET_VARIABLE,), None),
    ("artifact_region", REGION_VARIABLES, DEFAULT_REGION),
    ("artifact_max_bytes", ("DAGY_LOCAL_ARTIFACT_MAX_BYTES",), "5242880"),
    ("verbose", ("DAGY_LOCAL_VERBOSE",), "false"),
)
"""Settings that variables alone decide: name, variables, default."""


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """A setting.

    Attributes:
        value: ``None`` when there is none.
        source: Where it comes from, for people.
    """

    name: str
    value: str | None
    source: str


def effective_settings(
    settings: Settings, environ: Mapping[str, str], *, local_directory: str
) -> list[EffectiveSetting]:
    """Return what is in force, in the order in which people look for it."""
    resolved = {
        "profile": settings.profile,
        "api_url": settings.api_url,
        "app_url": settings.app_url,
        "issuer": settings.issuer,
        "client_id": settings.client_id,
        "auth_storage": settings.auth_storage,
        "table_format": settings.table_format,
    }
    protected = str(settings.is_protected).lower()
    return [
        *(_effective(name, setting) for name, setting in resolved.items()),
        EffectiveSetting("protected", protected, _place_of_protected(settings)),
        _token(environ),
        _local_directory(environ, local_directory),
        *(_variable(name, names, default, environ) for name, names, default in _VARIABLES),
    ]


def _effective(name: str, setting: Setting | None) -> EffectiveSetting:
    if setting is None:
        return EffectiveSetting(name, None, "not set")
    return EffectiveSetting(name, setting.value, setting.source)


def _place_of_protected(settings: Settings) -> str:
    if settings.is_protected and settings.profile is not None:
        return f"profile {settings.profile.value!r} in {settings.file.path}"
    return _DEFAULT


def _token(environ: Mapping[str, str]) -> EffectiveSetting:
    variable = token_variable(environ)
    if variable is not None:
        return EffectiveSetting("token", "(set, not shown)", variable)
    return EffectiveSetting("token", None, "the stored login, if there is one: dagy auth status")


def _local_directory(environ: Mapping[str, str], directory: str) -> EffectiveSetting:
    source = "DAGY_LOCAL_DIR" if environ.get("DAGY_LOCAL_DIR") else _DEFAULT
    return EffectiveSetting("local_dir", directory, source)


def _variable(
    name: str, variables: tuple[str, ...], default: str | None, environ: Mapping[str, str]
) -> EffectiveSetting:
    for variable in variables:
        if environ.get(variable):
            return EffectiveSetting(name, environ[variable], variable)
    return EffectiveSetting(name, default, "not set" if default is None else _DEFAULT)
