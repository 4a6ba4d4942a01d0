"""Whether a browser on this machine can reach a login that waits on loopback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

_SSH = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_WSL = ("WSL_DISTRO_NAME", "WSL_INTEROP")
_CONTAINER_VARIABLES = ("container", "KUBERNETES_SERVICE_HOST", "REMOTE_CONTAINERS", "CODESPACES")
_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
_NO_BROWSER = {"none", "false", "0"}


def _has_command(name: str) -> bool:
    from shutil import which

    return which(name) is not None


def browser_obstacle(
    environ: Mapping[str, str],
    *,
    platform: str = sys.platform,
    exists: Callable[[str], bool] = os.path.exists,
    has_command: Callable[[str], bool] = _has_command,
) -> str | None:
    """Return why a login in the browser would not work here, or ``None`` where it should.

    A browser that is named in ``BROWSER`` is taken at its word: editors that forward both the
    browser and the ports set it.

    Args:
        exists: Whether there is a file of this path.
        has_command: Whether there is a program of this name.
    """
    browser = environ.get("BROWSER", "")
    if browser:
        return f"BROWSER is {browser}" if browser.lower() in _NO_BROWSER else None
    if _any_set(environ, _SSH):
        return "this is an SSH session"
    if _any_set(environ, _WSL):
        return None if has_command("wslview") else "this is WSL, and wslview is not installed"
    if _any_set(environ, _CONTAINER_VARIABLES) or any(map(exists, _CONTAINER_FILES)):
        return "this is a container"
    if platform not in {"darwin", "win32"} and not _any_set(environ, _DISPLAYS):
        return "there is no display"
    return None


def _any_set(environ: Mapping[str, str], names: tuple[str, ...]) -> bool:
    return any(environ.get(name) for name in names)
