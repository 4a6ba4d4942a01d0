"""dagy-auth at an OpenID provider that somebody else wrote: the library oidc-provider, on Node.js.

Needs Node.js with npm; without them it is skipped, but in CI.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from browser import Browser
from installed import Environment, run

SOURCES = Path(__file__).parent / "oidc_provider"
TOOL = SOURCES / "tool.py"
PROGRAMS = ("node", "npm")
PATIENCE_SECONDS = 30  # only a test that fails waits for so long
REUSED = "refresh token already used"


@pytest.fixture(scope="session")
def provider_program(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    """The command that starts the provider, which npm has installed."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing
    directory = tmp_path_factory.mktemp("oidc-provider")
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copy(SOURCES / name, directory)
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=directory)
    return ["node", directory / "provider.mjs"]


@pytest.fixture(scope="module")
def auth(make_environment: Callable[[str], Environment]) -> Environment:
    return make_environment("dagy-auth")


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """A process environment in which warnings are errors, and the machine's keyring is not seen."""
    return environ | {
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "PYTHONWARNINGS": "error",
    }


class Provider:
    """The provider, in a process of its own."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def get(self, path: str, *, token: str | None = None) -> tuple[int, Any]:
        """Return the status and the document of an answer."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        opener = build_opener(ProxyHandler({}))
        try:
            answer = opener.open(Request(f"{self.issuer}{path}", headers=headers), timeout=30)
        except HTTPError as error:
            answer = error
        with answer:
            return answer.status, json.load(answer)

    def accepts(self, token: str) -> bool:
        status, _ = self.get("/me", token=token)
        assert status in (200, 401)
        return status == 200

    def renewals(self) -> list[str | None]:
        """Return why each request for new tokens was refused; ``None`` for one that was not."""
        _, events = self.get("/events")
        return [
            event["reason"]
            for event in events
            if event["grant"] == "refresh_token" and event["name"] != "grant.revoked"
        ]

    def count(self, name: str) -> int:
        _, events = self.get("/events")
        return [event["name"] for event in events].count(name)


@pytest.fixture
def make_provider(provider_program: list[str | Path]) -> Iterator[Callable[..., Provider]]:
    with ExitStack() as started:

        def make(*, login_seconds: int = 3600, renewed_seconds: int = 3600) -> Provider:
            process = subprocess.Popen(
                [*provider_program, str(login_seconds), str(renewed_seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            started.enter_context(process)
            started.callback(process.kill)
            return Provider(line_of(process))

        yield make


@pytest.fixture
def provider(make_provider: Callable[..., Provider]) -> Provider:
    return make_provider()


class Tool:
    """A tool that logs in at a provider, with a directory of its own."""

    def __init__(self, python: Path, environ: dict[str, str], started: ExitStack) -> None:
        self._python = python
        self._environ = environ
        self._started = started

    def start(self, command: str, issuer: str, directory: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [self._python, TOOL, command, issuer, directory],
            env=self._environ,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._started.enter_context(process)
        self._started.callback(process.kill)
        return process

    def __call__(self, command: str, issuer: str, directory: Path) -> str:
        return end_of(self.start(command, issuer, directory))

    def log_in(self, provider: Provider, directory: Path, *, command: str = "login") -> str:
        process = self.start(command, provider.issuer, directory)
        browser = Browser()
        assert browser.log_in(browser.open(line_of(process))).status == 200
        return end_of(process)

    def token(self, provider: Provider, directory: Path) -> str:
        return self("token", provider.issuer, directory).removeprefix("waiting\n")


@pytest.fixture
def tool(auth: Environment, environ: dict[str, str]) -> Iterator[Tool]:
    with ExitStack() as started:
        yield Tool(auth.python, environ, started)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "directory"


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end_of(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a program; return what else it prints, or the error that it ends with."""
    printed, error = process.communicate(timeout=60)
    assert (process.returncode == 0) == (error == ""), error
    return (error or printed).strip()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def changed(url: str, **changes: str | None) -> str:
    """Return a URL with other parameters; ``None`` takes one away."""
    parts = urlsplit(url)
    values = {name: value for name, (value,) in parse_qs(parts.query).items()} | changes
    kept = {name: value for name, value in values.items() if value is not None}
    return parts._replace(query=urlencode(kept)).geturl()


def stored(directory: Path) -> dict[str, Any]:
    """Return what the tool has stored of its login."""
    (document,) = json.loads((directory / "credentials.json").read_text())["credentials"].values()
    kept: dict[str, Any] = document
    return kept


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def log_in_and_let_expire(provider: Provider, tool: Tool, directory: Path) -> None:
    assert tool.log_in(provider, directory) == ""
    login = stored(directory)
    wait_until(lambda: time.time() * 1e6 > login["expires_at_microseconds"])
    assert not provider.accepts(login["access_token"])


def enter_code(shown: str) -> None:
    """Log in on another device, with the URL and the code that the tool has shown."""
    url, code = shown.split()
    browser = Browser()
    confirmation = browser.submit(browser.open(url), user_code=code)
    assert "Sign-in Success" in browser.log_in(browser.submit(confirmation)).text


def test_the_endpoints_are_found(provider: Provider, tool: Tool, directory: Path) -> None:
    for issuer in (provider.issuer, f"{provider.issuer}/"):
        found = json.loads(tool("discover", issuer, directory))
        assert found == {
            "issuer": provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/auth",
            "token_endpoint": f"{provider.issuer}/token",
            "device_authorization_endpoint": f"{provider.issuer}/device/auth",
            "revocation_endpoint": f"{provider.issuer}/token/revocation",
            "userinfo_endpoint": f"{provider.issuer}/me",
            "code_challenge_methods": ["S256"],
            "names_itself": True,
        }


def test_a_person_logs_in_with_the_browser(provider: Provider, tool: Tool, directory: Path) -> None:
    """AUTH-04: who that is, only the user information says here, not the identity token."""
    printed = tool.log_in(provider, directory, command="login-and-verify")
    assert printed == "somebody@example.com somebody"
    assert tool("whoami", provider.issuer, directory) == "somebody@example.com"
    assert provider.accepts(tool.token(provider, directory))
    assert "refresh_token" in stored(directory)


def test_who_does_not_allow_it_is_not_logged_in(
    provider: Provider, tool: Tool, directory: Path
) -> None:
    process = tool.start("login", provider.issuer, directory)
    browser = Browser()
    browser.log_in(browser.open(line_of(process)), answer="no")
    host = urlsplit(provider.issuer).netloc
    assert (
        end_of(process) == f"AuthError: The login at {host} was refused. Log in again and accept."
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "requires PKCE"),
        ({"code_challenge_method": "plain"}, "not supported value of code_challenge_method"),
        ({"code_challenge": "A" * 43}, "invalid_grant"),
        ({"nonce": "another"}, "answered with the identity of another login"),
    ],
    ids=["without PKCE", "with plain PKCE", "with another's challenge", "with another's nonce"],
)
def test_a_login_that_somebody_has_tampered_with_fails(
    provider: Provider,
    tool: Tool,
    directory: Path,
    changes: dict[str, str | None],
    reason: str,
) -> None:
    """AUTH-16."""
    process = tool.start("login", provider.issuer, directory)
    browser = Browser()
    page = browser.open(changed(line_of(process), **changes))
    if urlsplit(page.url).path != "/callback":
        browser.log_in(page)
    ended = end_of(process)
    assert ended.startswith("AuthError: ")
    assert reason in ended
    assert not (directory / "credentials.json").exists()


def test_a_callback_with_another_state_is_refused_and_the_login_goes_on(
    provider: Provider, tool: Tool, directory: Path
) -> None:
    """AUTH-13."""
    process = tool.start("login", provider.issuer, directory)
    url = line_of(process)
    browser = Browser()
    page = browser.log_in(browser.open(changed(url, state="another")))
    assert (urlsplit(page.url).path, page.status) == ("/callback", 403)
    assert browser.submit(browser.open(url), answer="yes").status == 200
    assert end_of(process) == ""


def test_a_person_logs_in_with_a_code(provider: Provider, tool: Tool, directory: Path) -> None:
    """AUTH-17: the first time that the tool asks, the code is not entered yet."""
    process = tool.start("login-with-code", provider.issuer, directory)
    shown = line_of(process)
    assert line_of(process) == "waiting"
    go_on(process)
    assert line_of(process) == "waiting"
    enter_code(shown)
    go_on(process)
    assert end_of(process) == ""
    assert tool("whoami", provider.issuer, directory) == "somebody@example.com"
    assert "refresh_token" in stored(directory)


def test_a_code_that_somebody_refuses_logs_nobody_in(
    provider: Provider, tool: Tool, directory: Path
) -> None:
    process = tool.start("login-with-code", provider.issuer, directory)
    url, code = line_of(process).split()
    browser = Browser()
    browser.submit(browser.submit(browser.open(url), user_code=code), abort="yes")
    go_on(process)
    assert "was refused. Log in again and accept." in end_of(process)
    assert not (directory / "credentials.json").exists()


def test_an_expired_token_is_renewed_once(
    make_provider: Callable[..., Provider], tool: Tool, directory: Path
) -> None:
    provider = make_provider(login_seconds=1)
    log_in_and_let_expire(provider, tool, directory)
    token = tool.token(provider, directory)
    assert provider.accepts(token)
    assert tool.token(provider, directory) == token
    assert provider.renewals() == [None]


def test_a_session_whose_refresh_token_was_used_twice_has_ended(
    make_provider: Callable[..., Provider], tool: Tool, directory: Path, tmp_path: Path
) -> None:
    """AUTH-20: the provider cannot tell a thief from a copy, and ends the session of both."""
    provider = make_provider(login_seconds=1)
    log_in_and_let_expire(provider, tool, directory)
    copy = shutil.copytree(directory, tmp_path / "copy")
    token = tool.token(provider, directory)
    assert provider.accepts(token)

    asked = tool.start("token", provider.issuer, copy)
    go_on(asked)
    expiry = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    message = rf"TokenExpiredError: The session 'default' expired at {expiry}\. Run: tool login"
    assert re.fullmatch(message, end_of(asked))
    assert provider.renewals() == [None, REUSED]
    assert provider.count("grant.revoked") == 1
    assert not provider.accepts(token)

    ended = tool("whoami", provider.issuer, directory)
    assert ended == (
        f"TokenExpiredError: The session 'default' is refused by {provider.issuer}. Run: tool login"
    )
    assert provider.renewals() == [None, REUSED, "refresh token not found"]

    assert tool.log_in(provider, directory) == ""
    assert provider.accepts(tool.token(provider, directory))


def test_eight_processes_with_an_expired_token_cause_one_refresh(
    make_provider: Callable[..., Provider], tool: Tool, directory: Path
) -> None:
    """AUTH-11."""
    provider = make_provider(login_seconds=1)
    log_in_and_let_expire(provider, tool, directory)
    processes = [tool.start("token", provider.issuer, directory) for _ in range(8)]
    assert {line_of(process) for process in processes} == {"waiting"}
    for process in processes:
        go_on(process)
    (token,) = {end_of(process) for process in processes}
    assert provider.accepts(token)
    assert provider.renewals() == [None]


def test_a_token_that_is_about_to_expire_is_renewed_by_each_command(
    make_provider: Callable[..., Provider], tool: Tool, directory: Path
) -> None:
    """Each refresh token is good once, so each that is given must have been stored."""
    provider = make_provider(login_seconds=50, renewed_seconds=50)
    assert tool.log_in(provider, directory) == ""
    assert len({tool.token(provider, directory) for _ in range(3)}) == 3
    assert provider.renewals() == [None] * 3


def test_after_a_logout_no_token_is_accepted(
    provider: Provider, tool: Tool, directory: Path, tmp_path: Path
) -> None:
    """AUTH-18."""
    assert tool.log_in(provider, directory) == ""
    token = stored(directory)["access_token"]
    copy = shutil.copytree(directory, tmp_path / "copy")
    assert provider.accepts(token)
    assert tool("logout", provider.issuer, directory) == "revoked"
    assert list(directory.iterdir()) == []
    assert not provider.accepts(token)
    assert tool("whoami", provider.issuer, copy) == (
        f"TokenExpiredError: The session 'default' is refused by {provider.issuer}. Run: tool login"
    )
    assert provider.renewals() == ["refresh token not found"]


@pytest.mark.parametrize("way", ["browser", "code"])
def test_a_token_is_for_the_resource_that_was_asked_for_and_stays_so(
    make_provider: Callable[..., Provider], tool: Tool, directory: Path, way: str
) -> None:
    """RFC 8707: each request for tokens says it, or they would be for the user information."""
    provider = make_provider(login_seconds=50)
    if way == "browser":
        assert tool.log_in(provider, directory, command="login-for-resource") == ""
    else:
        process = tool.start("login-with-code-for-resource", provider.issuer, directory)
        enter_code(line_of(process))
        assert line_of(process) == "waiting"
        go_on(process)
        assert end_of(process) == ""
    given = claims_of(stored(directory)["access_token"])
    renewed = claims_of(tool.token(provider, directory))
    for claims in (given, renewed):
        assert claims["aud"] == f"{provider.issuer}/weather"
        assert claims["scope"] == "weather.read"
    assert given["jti"] != renewed["jti"]
    assert provider.renewals() == [None]
