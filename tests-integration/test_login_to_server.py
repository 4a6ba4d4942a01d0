"""The installed command logs in to a real Dagy server, and out again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browser import Browser, Form, Forms, Page
from control_plane import ControlPlane, running_control_plane
from installed import Dagy, Environment

PATIENCE_SECONDS = 60


@pytest.fixture
def server(
    server_environment: Environment, environ: dict[str, str], tmp_path: Path
) -> Iterator[ControlPlane]:
    with running_control_plane(server_environment, environ, tmp_path / "server") as server:
        yield server


@pytest.fixture
def dagy(cli: Environment, environ: dict[str, str], server: ControlPlane, tmp_path: Path) -> Dagy:
    settings = {
        "DAGY_API_URL": server.url,
        "DAGY_AUTH_STORAGE": "file",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    return Dagy(cli.dagy, environ | settings, tmp_path)


class Person(Browser):
    """Somebody with a browser, who sends forms as browsers do: with where they come from."""

    def __init__(self, server: ControlPlane) -> None:
        super().__init__()
        self._server = server
        self._opener.addheaders = [("Origin", server.url)]

    def sign_in(self) -> None:
        page = self.open(f"{self._server.url}/sign-in")
        page = self.submit(page, email=self._server.email, password=self._server.password)
        assert self._server.email in page.text

    def allow(self, page: Page) -> Page:
        """Agree to what a page asks."""
        form = _main_form(page)
        return self.open(f"{self._server.url}{form.action}", form.values | {"answer": "allow"})


def _main_form(page: Page) -> Form:
    forms = Forms()
    forms.feed(page.text.partition("<main")[2].partition("</main>")[0])
    (form,) = forms.found
    return form


def test_from_login_by_a_code_to_logout(dagy: Dagy, server: ControlPlane) -> None:
    """AUTH-18: after a logout, the server takes neither of the tokens."""
    person = Person(server)
    person.sign_in()
    process = dagy.start("login", "--device")
    with process:
        assert process.stderr is not None
        code = next(filter(None, (re.search("[B-Z]{4}-[B-Z]{4}", line) for line in process.stderr)))
        query = urlencode({"user_code": code[0]})
        page = person.allow(person.open(f"{server.url}/device?{query}"))
        assert "The login is allowed" in page.text
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said

    assert dagy.json("whoami")["user"] == server.email
    assert " valid " in dagy("auth", "status").stdout
    token = dagy("auth", "token").stdout.strip()
    assert server.ask("GET", "/me", token=token)[0] == 200

    ended = dagy("logout", "--require-revoke")
    assert ended.returncode == 0, ended.stderr
    status, answer = server.ask("GET", "/me", token=token)
    assert status == 401
    assert answer["error"]["request_id"].startswith("req_")
    assert dagy("whoami").returncode == 3


def test_an_api_key_is_a_login_for_machines(dagy: Dagy, server: ControlPlane) -> None:
    ended = dagy("whoami", "--format", "json", DAGY_TOKEN=server.api_key)
    assert ended.returncode == 0, ended.stderr
    assert server.api_key not in ended.stdout + ended.stderr
    key = server.api_key
    ended = dagy("whoami", DAGY_TOKEN=key[:-1] + ("a" if key[-1] != "a" else "b"))
    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) <= 3
