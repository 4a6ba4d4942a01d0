from __future__ import annotations

import pytest

from dagy_auth import browser_obstacle

WSL = "this is WSL, and wslview is not installed"
NO_FILES: dict[str, object] = {"exists": lambda path: False, "has_command": lambda name: False}


@pytest.mark.parametrize(
    ("environ", "platform", "reason"),
    [
        ({"DISPLAY": ":0"}, "linux", None),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", None),
        ({}, "darwin", None),
        ({}, "linux", "there is no display"),
        ({"DISPLAY": ""}, "linux", "there is no display"),
        ({}, "freebsd14", "there is no display"),
        (
            {"SSH_CONNECTION": "10.0.0.1 2 10.0.0.2 22", "DISPLAY": ":10"},
            "linux",
            "this is an SSH session",
        ),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", "this is an SSH session"),
        (
            {"WSL_DISTRO_NAME": "Ubuntu", "DISPLAY": ":0"},
            "linux",
            "this is WSL, and wslview is not installed",
        ),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "DISPLAY": ":0"}, "linux", "this is a container"),
        ({"container": "podman"}, "linux", "this is a container"),
        ({"BROWSER": "none", "DISPLAY": ":0"}, "linux", "BROWSER is none"),
        ({"BROWSER": "/usr/bin/remote-open", "SSH_TTY": "/dev/pts/1"}, "linux", None),
    ],
)
def test_the_surroundings_tell_whether_a_browser_can_work(
    environ: dict[str, str], platform: str, reason: str | None
) -> None:
    """AUTH-15."""
    assert browser_obstacle(environ, platform=platform, **NO_FILES) == reason  # type: ignore[arg-type]


def test_a_file_that_only_containers_have_is_an_obstacle() -> None:
    """AUTH-15."""
    for path in ("/.dockerenv", "/run/.containerenv"):
        reason = browser_obstacle({"DISPLAY": ":0"}, platform="linux", exists=path.__eq__)
        assert reason == "this is a container"


def test_wsl_with_a_way_to_the_browser_is_none() -> None:
    """AUTH-15."""
    environ = {"WSL_INTEROP": "/run/WSL/8_interop"}
    assert browser_obstacle(environ, platform="linux", has_command="wslview".__eq__) is None


def test_the_machine_is_looked_at_by_default() -> None:
    assert browser_obstacle({"WSL_INTEROP": "x"}) in (None, WSL)
