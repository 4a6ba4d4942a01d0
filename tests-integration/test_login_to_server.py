"""The installed command logs in to a real Dagy server, and out again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser import Browser
from control_plane import ControlPlane, running_control_plane
from installed import Dagy, Environment, said
from person import Person
from server_command import without_desktop

PATIENCE_SECONDS = 60


@pytest.fixture
def server(
    server_environment: Environment, environ: dict[str, str], tmp_path: Path
) -> Iterator[ControlPlane]:
    with running_control_plane(server_environment, environ, tmp_path / "server") as server:
        yield server


@pytest.fixture
def dagy(cli: Environment, environ: dict[str, str], server: ControlPlane, tmp_path: Path) -> Dagy:
    return without_desktop(cli, environ, tmp_path, DAGY_API_URL=server.url)


def _log_in_here(process: subprocess.Popen[str], server: ControlPlane) -> None:
    person = Person(server.url)
    page = person.open(said(process, r"^(http\S+)$"))
    page = person.sign_in(page, email=server.email, password=server.password)
    assert "Allow the dagy command line?" in page.text
    person.let_in(page)


def _log_in_elsewhere(process: subprocess.Popen[str], server: ControlPlane) -> None:
    query = urlencode({"user_code": said(process, "([B-Z]{4}-[B-Z]{4})")})
    person = Person(server.url)
    page = person.open(f"{server.url}/device?{query}")
    page = person.sign_in(page, email=server.email, password=server.password)
    assert "The login is allowed" in person.allow(page).text


WAYS = {"browser": _log_in_here, "device": _log_in_elsewhere}


@pytest.mark.parametrize("way", WAYS)
def test_from_login_to_logout(way: str, dagy: Dagy, server: ControlPlane) -> None:
    """AUTH-18: after a logout, the server takes neither of the tokens."""
    with dagy.start("login", *(["--device"] if way == "device" else [])) as process:
        WAYS[way](process, server)
        out, rest = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (0, f"Logged in as {server.email}\n"), rest

    assert dagy.json("whoami")["user"] == server.email
    assert [each["state"] for each in dagy.json("auth", "status")] == ["valid"]
    token = dagy("auth", "token").stdout.strip()
    assert server.ask("GET", "/me", token=token)[0] == 200
    file = _credentials(dagy)
    assert file.stat().st_mode & 0o777 == 0o600
    refresh_token = _refresh_token(file)

    ended = dagy("logout", "--require-revoke")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Logged out.\n", "")
    assert not file.exists()
    status, answer = server.ask("GET", "/me", token=token)
    assert status == 401
    assert answer["error"]["request_id"].startswith("req_")
    status, answer = _renew(server, refresh_token)
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert dagy("whoami").returncode == 3
    assert dagy("auth", "status").returncode == 3


def test_a_logout_ends_tokens_that_were_renewed_elsewhere_too(
    dagy: Dagy, server: ControlPlane
) -> None:
    """AUTH-18: they are of the same login."""
    with dagy.start("login") as process:
        _log_in_here(process, server)
    status, renewed = _renew(server, _refresh_token(_credentials(dagy)))
    assert status == 200, renewed
    assert server.ask("GET", "/me", token=renewed["access_token"])[0] == 200

    ended = dagy("logout", "--require-revoke")
    assert ended.returncode == 0, ended.stderr
    assert server.ask("GET", "/me", token=renewed["access_token"])[0] == 401
    status, answer = _renew(server, renewed["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")


def _credentials(dagy: Dagy) -> Path:
    return Path(dagy.environ["DAGY_LOCAL_DIR"]) / "credentials.json"


def _refresh_token(file: Path) -> str:
    (login,) = json.loads(file.read_text())["credentials"].values()
    return str(login["refresh_token"])


def _renew(server: ControlPlane, refresh_token: str) -> tuple[int, Any]:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": "dagy-cli",
    }
    answer = Browser().open(f"{server.url}/oauth/token", form)
    return answer.status, json.loads(answer.text)


def test_an_api_key_is_a_login_for_machines(dagy: Dagy, server: ControlPlane) -> None:
    ended = dagy("whoami", "--format", "json", DAGY_TOKEN=server.api_key)
    assert ended.returncode == 0, ended.stderr
    assert server.api_key not in ended.stdout + ended.stderr
    key = server.api_key
    ended = dagy("whoami", DAGY_TOKEN=key[:-1] + ("a" if key[-1] != "a" else "b"))
    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) <= 3
