"""dagy-auth alone, with nothing else of Dagy but its types, in the tool of somebody else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from installed import Environment, run

FOREIGN = Path(__file__).parent / "foreign"
TOOL = FOREIGN / "weather.py"
ME = {"user_email": "user@example.com", "org_id": "org-1", "role": "developer"}


@pytest.fixture(scope="module")
def auth(make_environment: Callable[[str], Environment]) -> Environment:
    return make_environment("dagy-auth")


@pytest.fixture
def environ(environ: dict[str, str], auth: Environment) -> dict[str, str]:
    """A process environment with a browser, and without the keyring of this machine."""
    return environ | {
        "BROWSER": f"{auth.python} {FOREIGN / 'browser.py'} %s",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "PYTHONWARNINGS": "error",
    }


class Provider:
    """The provider, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.issuer = process.stdout.readline().strip()

    def end(self) -> dict[str, Any]:
        """Stop it, and return what it has seen."""
        seen: dict[str, Any] = json.loads(self._process.communicate(timeout=60)[0])
        return seen


@pytest.fixture
def make_provider(auth: Environment, environ: dict[str, str]) -> Iterator[Callable[..., Provider]]:
    started: list[subprocess.Popen[str]] = []

    def make(*, expires_in: float = 3600) -> Provider:
        process = subprocess.Popen(
            [auth.python, FOREIGN / "provider.py", str(expires_in)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )
        started.append(process)
        return Provider(process)

    yield make
    for process in started:
        process.kill()
        process.communicate()


class Tool:
    """The tool, as its users start it."""

    def __init__(self, python: Path, environ: dict[str, str], issuer: str) -> None:
        self._start = [python, TOOL]
        self._environ = environ
        self._issuer = issuer

    def __call__(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._start, command, self._issuer, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            env=self._environ,
        )


def test_the_tool_is_as_short_as_it_should_be() -> None:
    """AUTH-25."""
    lines = [line for line in TOOL.read_text(encoding="utf-8").splitlines() if line]
    assert len(lines) <= 30


@pytest.mark.parametrize("way", ["browser", "device"])
def test_a_foreign_tool_logs_in_at_a_foreign_provider(
    auth: Environment,
    environ: dict[str, str],
    make_provider: Callable[..., Provider],
    way: str,
) -> None:
    """AUTH-25; each command is a process of its own."""
    provider = make_provider()
    weather = Tool(auth.python, environ, provider.issuer)
    file = Path(environ["HOME"]) / ".weather" / "credentials.json"

    before = weather("whoami")
    assert before.returncode == 1
    assert before.stderr == "There is no login 'default'. Run: weather login\n"

    login = weather("login", way)
    assert login.returncode == 0, login.stderr
    assert login.stdout == f"{file}\n"
    assert provider.issuer in login.stderr
    assert ("WDJB-MJHT" in login.stderr) == (way == "device")
    assert file.stat().st_mode & 0o777 == 0o600

    whoami = weather("whoami")
    assert whoami.returncode == 0, whoami.stderr
    assert json.loads(whoami.stdout) == ME

    assert weather("logout").stdout == "revoked\n"
    assert list(file.parent.iterdir()) == []
    assert weather("whoami").returncode == 1

    seen = provider.end()
    first = "/authorize" if way == "browser" else "/device_authorization"
    assert first in seen["paths"]
    assert seen["paths"].count("/revoke") == 2
    assert seen["refreshes"] == 0


def test_a_token_that_is_about_to_expire_is_renewed_for_the_next_command(
    auth: Environment, environ: dict[str, str], make_provider: Callable[..., Provider]
) -> None:
    provider = make_provider(expires_in=50)  # always within the minute in which it is renewed
    weather = Tool(auth.python, environ, provider.issuer)
    assert weather("login", "browser").returncode == 0
    for _ in range(2):
        assert json.loads(weather("whoami").stdout) == ME
    assert provider.end()["refreshes"] == 2


def test_nothing_else_of_dagy_is_installed(auth: Environment) -> None:
    ours = {name for name in auth.distributions if name.startswith("dagy")}
    assert ours == {"dagy-auth", "dagy-types"}


def test_the_import_loads_neither_a_library_nor_another_package(
    auth: Environment, environ: dict[str, str]
) -> None:
    """AUTH-25."""
    show = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    bare = set(run([auth.python, "-c", show], env=environ).stdout.split())
    for program, ours in (
        ("import dagy_auth", {"dagy_auth"}),
        ("from dagy_auth import *", {"dagy_auth", "dagy_types"}),
    ):
        loaded = set(run([auth.python, "-c", f"{program}; {show}"], env=environ).stdout.split())
        assert {name for name in loaded if name.startswith("dagy")} == ours
        assert loaded.isdisjoint({"keyring", "httpx", "cryptography", "authlib", "joserfc"})
        assert bare < loaded
