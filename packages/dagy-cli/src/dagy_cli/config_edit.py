"""Changes of the file of profiles; what people wrote around the values stays."""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dagy_cli.config_file import FILE_NAME, parse_config, read_config_text
from dagy_cli.profiles import ConfigFile
from dagy_cli.text_file import write_text_file
from dagy_types.errors import ConfigError, NotFoundError

LOCK_NAME = "config.lock"

Document = MutableMapping[str, Any]  # Any: what YAML has


class ProfileEditor:
    """Changes the profiles of one document.

    Args:
        now: When the changes are made, for ``last_updated``.

    Attributes:
        file: What the document says before the changes.
    """

    def __init__(self, document: Document, file: ConfigFile, *, now: datetime) -> None:
        self.file = file
        self._document = document
        self._now = now.astimezone(timezone.utc)

    def set(self, profile: str, key: str, value: str | bool) -> None:
        """Set a key of a profile, which is made if it is new."""
        if self._document.get("profiles") is None:
            self._document["profiles"] = {}
        profiles = self._document["profiles"]
        if profiles.get(profile) is None:
            profiles[profile] = {}
        profiles[profile][key] = value
        self._touch(profile)

    def unset(self, profile: str, key: str) -> None:
        """Remove a key of a profile.

        Raises:
            NotFoundError: When it has no such key.
        """
        self._require(profile)
        values = self._document["profiles"][profile] or {}
        if key not in values:
            raise NotFoundError(
                f"Profile {profile!r} has no {key}.", hint="Run: dagy config list --format yaml"
            )
        del values[key]
        self._touch(profile)

    def delete(self, profile: str) -> None:
        """Remove a profile; it is the default one no more.

        Raises:
            NotFoundError: When there is none of that name.
        """
        self._require(profile)
        del self._document["profiles"][profile]
        if self._document.get("default_profile") == profile:
            del self._document["default_profile"]

    def choose(self, profile: str) -> None:
        """Make a profile the default one.

        Raises:
            NotFoundError: When there is none of that name.
        """
        self._require(profile)
        self._document["default_profile"] = profile

    def choose_none(self) -> None:
        """Leave it to the alphabet which profile is the default one.

        Raises:
            NotFoundError: When that is so already.
        """
        if "default_profile" not in self._document:
            raise NotFoundError("No default_profile is set.", hint="Run: dagy config list")
        del self._document["default_profile"]

    def _require(self, profile: str) -> None:
        if profile not in (self._document.get("profiles") or {}):
            raise NotFoundError(f"There is no profile {profile!r}.", hint="Run: dagy config list")

    def _touch(self, profile: str) -> None:
        moment = self._now.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
        self._document["profiles"][profile]["last_updated"] = moment


@contextmanager
def editing(
    directory: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
) -> Iterator[ProfileEditor]:
    """Change the file: all that is done in the block, or nothing.

    Nobody else changes it meanwhile, and readers see the old or the new one.

    Raises:
        ConfigError: When the file is of another form than it should be, cannot be written, or
            would be what it cannot be.
    """
    path = directory / FILE_NAME
    with _lock(directory):
        text = read_config_text(path)
        file = parse_config(text, path)  # refuses what it cannot be
        document = _loaded(text)
        yield ProfileEditor(document, file, now=clock())
        changed = _dumped(document, text)
        parse_config(changed, path)
        write_text_file(str(path), changed, option="DAGY_LOCAL_DIR")


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"{directory} cannot be written: {error.strerror}.",
            hint="Check its mode, or set DAGY_LOCAL_DIR.",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # whoever has it needs it for milliseconds
        yield
    finally:
        os.close(descriptor)


def _loaded(text: str) -> Document:
    document = _round_trip().load(text)
    return {"version": 1} if document is None else document


def _dumped(document: Document, before: str) -> str:
    stream = io.StringIO()
    _round_trip().dump(document, stream)
    # Of a file that has nothing but comments, YAML keeps nothing.
    comments = before if type(document) is dict and before.strip() else ""
    return comments + stream.getvalue()


def _round_trip() -> Any:  # Any: imported where it is used
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # what people wrote on one line stays there
    return yaml
