"""The file `config.yaml` of the local directory, in which profiles are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dagy_cli.profiles import ConfigFile, Flags, Profile, Settings, resolve
from dagy_store import local_directory
from dagy_types.errors import ConfigError

FILE_NAME = "config.yaml"

_VERSION = 1
_TEXTS = ("api_url", "app_url", "issuer", "client_id", "auth_storage", "table_format")


def read_config_file(directory: Path) -> ConfigFile:
    """Return the profiles of a local directory; keys that are not known here are passed over.

    Raises:
        ConfigError: When the file cannot be read, or is not of the form that it should have.
    """
    path = directory / FILE_NAME
    return parse_config(read_config_text(path), path)


def config_file_of(flags: Flags, environ: Mapping[str, str]) -> ConfigFile:
    """Return the profiles; a machine without a home directory has none.

    Raises:
        ConfigError: When the file cannot be used, or one of its profiles is asked for where there
            can be none.
    """
    try:
        directory = local_directory(environ)
    except ConfigError:
        # With an API URL and a token in the environment, nothing else is needed.
        if flags.profile or environ.get("DAGY_PROFILE"):
            raise
        return ConfigFile(path=Path("~/.dagy") / FILE_NAME)
    return read_config_file(directory)


def settings_of(flags: Flags, environ: Mapping[str, str]) -> Settings:
    """Return what is in force.

    Raises:
        UsageError: When the chosen profile is unknown.
        ConfigError: When the file or the environment says what cannot be.
    """
    return resolve(flags, environ, config_file_of(flags, environ))


def read_config_text(path: Path) -> str:
    """Return what the file has in it; nothing when there is none.

    Raises:
        ConfigError: When it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):  # whoever needs the directory tells that better
        return ""
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the file and its mode."
        ) from error
    except UnicodeDecodeError:
        raise _broken(path, "it is not UTF-8") from None


def parse_config(text: str, path: Path) -> ConfigFile:
    """Return the profiles in the text of a file.

    Raises:
        ConfigError: When it is not of the form that it should have.
    """
    document = None if not text else _parsed(text, path)
    if document is None:
        return ConfigFile(path=path)
    return _config_file(document, path)


def _parsed(text: str, path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = "" if mark is None else f" in line {mark.line + 1}"
        raise _broken(path, f"it is not YAML{where} ({error.problem})") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _broken(path, "it is not YAML") from None


def _config_file(document: Any, path: Path) -> ConfigFile:
    document = _mapping(document, path, "it")
    version = document.get("version", _VERSION)
    if version != _VERSION:
        raise ConfigError(
            f"{path} has version {version!r}, and this dagy knows version {_VERSION}.",
            hint="Install a newer dagy-cli, or correct the file.",
        )
    profiles = _mapping(document.get("profiles") or {}, path, "profiles")
    if not all(isinstance(name, str) and name for name in profiles):
        raise _broken(path, "a profile has a name that is no text (put it in quotes)")
    return ConfigFile(
        path=path,
        default_profile=_text(document, "default_profile", path=path, owner="it"),
        profiles={name: _profile(name, each, path) for name, each in profiles.items()},
    )


def _profile(name: str, document: Any, path: Path) -> Profile:
    owner = f"profile {name!r}"
    document = _mapping(document or {}, path, owner)
    is_protected = document.get("protected", False)
    if not isinstance(is_protected, bool):
        raise _broken(path, f"protected of {owner} is neither true nor false")
    texts = {key: _text(document, key, path=path, owner=owner) for key in _TEXTS}
    return Profile(
        **texts, last_updated=_moment(document.get("last_updated")), is_protected=is_protected
    )


def _moment(value: Any) -> str | None:
    # Without quotes, a time is a time to YAML.
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else None


def _mapping(value: Any, path: Path, owner: str) -> Mapping[Any, Any]:
    if not isinstance(value, dict):
        raise _broken(path, f"{owner} should have keys with values")
    return value


def _text(document: Mapping[Any, Any], key: str, *, path: Path, owner: str) -> str | None:
    value = document.get(key)
    if value is not None and not isinstance(value, str):
        raise _broken(path, f"{key} of {owner} is no text (put it in quotes)")
    return value


def _broken(path: Path, what: str) -> ConfigError:
    return ConfigError(f"{path} cannot be used: {what}.", hint="Correct the file.")
