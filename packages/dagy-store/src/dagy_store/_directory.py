"""Where Dagy keeps its files on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dagy_types.errors import ConfigError


def local_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return ``DAGY_LOCAL_DIR`` (a leading ``~`` is the home directory), else ``~/.dagy``.

    The directory need not exist.

    Raises:
        ConfigError: When the home directory is needed and unknown.
    """
    chosen = environ.get("DAGY_LOCAL_DIR") or "~/.dagy"
    if chosen == "~" or chosen.startswith("~/"):
        return _home(environ) / chosen[2:]
    try:
        return Path(chosen).expanduser()
    except RuntimeError:
        user = Path(chosen).parts[0]
        raise ConfigError(
            f"DAGY_LOCAL_DIR is {chosen!r}, and there is no home directory {user}.",
            hint="Set DAGY_LOCAL_DIR to a full path.",
        ) from None


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    if not home:
        raise ConfigError(
            "There is no home directory for Dagy's files: HOME is not set.",
            hint="Set HOME, or set DAGY_LOCAL_DIR to a directory of your choice.",
        )
    return Path(home)
