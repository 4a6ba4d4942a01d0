"""The installed command logs in and out, at a server in a process of its own."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from installed import Dagy, Environment

FOREIGN = Path(__file__).parent / "foreign"


@pytest.fixture
def environ(environ: dict[str, str], cli: Environment) -> dict[str, str]:
    """A process environment with a browser, and without the keyring of this machine."""
    return environ | {
        "BROWSER": f"{cli.python} {FOREIGN / 'browser.py'} %s",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "PYTHONWARNINGS": "error",
    }


class Server:
    """The server, which is its own provider, and ends when its input does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.url = process.stdout.readline().strip()

    def status_for(self, token: str) -> int:
        """Return how it answers whoever has this token."""
        request = Request(f"{self.url}/me", headers={"Authorization": f"Bearer {token}"})
        try:
            with urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code

    def end(self) -> dict[str, Any]:
        """Stop it, and return what it has seen."""
        seen: dict[str, Any] = json.loads(self._process.communicate(timeout=60)[0])
        return seen


@pytest.fixture
def server(cli: Environment, environ: dict[str, str]) -> Iterator[Server]:
    command = [cli.python, FOREIGN / "provider.py", "3600"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        server = Server(process)
        environ["DAGY_API_URL"] = server.url
        yield server
        process.kill()


@pytest.mark.parametrize("way", ["browser", "device"])
def test_from_login_to_logout(way: str, dagy: Dagy, server: Server) -> None:
    """AUTH-01, AUTH-18: each command is a process of its own."""
    ended = dagy("whoami")
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (3, "error: Not logged in.")

    ended = dagy("login", *(["--device"] if way == "device" else []))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "Logged in as user@example.com\n"
    assert ("WDJB-MJHT" in ended.stderr) == (way == "device")
    file = Path(dagy.environ["DAGY_LOCAL_DIR"]) / "credentials.json"
    assert f"{file} (mode 600, not encrypted)" in ended.stderr
    assert file.stat().st_mode & 0o777 == 0o600

    identity = dagy.json("whoami")
    assert (identity["user"], identity["roles"]) == ("user@example.com", ["developer"])
    assert dagy.json("auth", "status")[0]["state"] == "valid"

    ended = dagy("auth", "token")
    token = ended.stdout.strip()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert server.status_for(token) == 200

    ended = dagy("logout", "--require-revoke")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Logged out.\n", "")
    assert server.status_for(token) == 401
    assert list(file.parent.iterdir()) == []
    assert dagy("whoami").returncode == 3
    assert dagy("auth", "status").returncode == 3

    first = "/authorize" if way == "browser" else "/device_authorization"
    paths = server.end()["paths"]
    assert first in paths
    assert paths.count("/revoke") == 2


def test_a_token_of_the_environment_needs_no_login(dagy: Dagy, server: Server) -> None:
    """The recipe for continuous integration."""
    assert dagy("login").returncode == 0
    token = dagy("auth", "token").stdout.strip()
    away = {"DAGY_LOCAL_DIR": "", "HOME": "", "DAGY_TOKEN": token}
    ended = dagy("whoami", "--format", "json", **away)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["token_source"] == "DAGY_TOKEN"
    assert dagy("whoami", **(away | {"DAGY_TOKEN": "unknown"})).returncode == 3


def test_the_exit_codes_tell_what_is_wrong(dagy: Dagy, server: Server) -> None:
    local = Path(dagy.environ["DAGY_LOCAL_DIR"])
    assert dagy("login", "--profile", "nope").returncode == 2
    assert dagy("login", DAGY_API_URL="").returncode == 2
    assert dagy("login", DAGY_API_URL="http://127.0.0.1:9").returncode == 4
    assert dagy("login", "--require-encrypted").returncode == 3
    assert dagy("login", "--with-token").returncode == 2
    assert not local.exists() or list(local.iterdir()) == []
    assert dagy("login").returncode == 0
    server.end()
    ended = dagy("whoami")
    assert (ended.returncode, ended.stdout) == (4, "")
    assert f"{server.url} (DAGY_API_URL)" in ended.stderr
    ended = dagy("logout")
    assert (ended.returncode, ended.stdout) == (0, "Logged out.\n")
    assert "is deleted and not revoked; it is good until" in ended.stderr
    assert list(local.iterdir()) == []


def test_profiles_are_apart(dagy: Dagy, server: Server) -> None:
    """AUTH-22"""
    local = Path(dagy.environ["DAGY_LOCAL_DIR"])
    local.mkdir(mode=0o700)
    profiles = {name: {"api_url": server.url} for name in ("prod", "dev")}
    (local / "config.yaml").write_text(json.dumps({"version": 1, "profiles": profiles}))
    del dagy.environ["DAGY_API_URL"]
    for name in profiles:
        assert dagy("login", "--profile", name).returncode == 0
    assert dagy("logout", "--profile", "dev").returncode == 0
    assert dagy("whoami", "--profile", "dev").returncode == 3
    assert dagy.json("whoami", "--profile", "prod")["profile"] == "prod"
    assert dagy("logout", "--all").stdout == "Logged out: prod\n"


def test_on_a_terminal_the_url_is_shown_and_can_be_opened_anywhere(
    dagy: Dagy, server: Server
) -> None:
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [dagy.command, "login", "--no-browser"],
        env=dagy.environ,
        stdin=terminal,
        stderr=terminal,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(terminal)
    shown = b""
    while b"Ctrl-C stops." not in shown:
        shown += os.read(controller, 4096)
    (url,) = re.findall(r"^(http\S+)\r$", shown.decode(), re.MULTILINE)
    with urlopen(url, timeout=30) as page:
        assert page.status == 200
    out, _ = process.communicate(timeout=60)
    os.close(controller)
    assert (process.returncode, out) == (0, "Logged in as user@example.com\n")


def test_ctrl_c_ends_a_login(dagy: Dagy, server: Server) -> None:
    process = subprocess.Popen(
        [dagy.command, "login"],
        env=dagy.environ | {"BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "Ctrl-C stops." in line:
            break
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=10)
    assert (process.returncode, out, rest) == (130, "", "")
