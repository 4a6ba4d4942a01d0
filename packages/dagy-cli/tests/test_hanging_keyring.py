"""AUTH-02: a keyring that hangs, in front of every command that might want one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dagy_auth.testing import FakeProvider

KEYRINGS = """
import json, os, time
from pathlib import Path
from keyring.backend import KeyringBackend

FILE = Path(os.environ["TEST_KEYRING_FILE"])
CALLS = FILE.with_suffix(".calls")

class Working(KeyringBackend):
    priority = 1

    def entries(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}

    def get_password(self, service, username):
        return self.entries().get(username)

    def set_password(self, service, username, password):
        FILE.write_text(json.dumps({**self.entries(), username: password}))

    def delete_password(self, service, username):
        entries = self.entries()
        del entries[username]
        FILE.write_text(json.dumps(entries))

class Hanging(KeyringBackend):
    priority = 1

    def get_password(self, *_):
        with CALLS.open("a") as calls:
            calls.write("x")
        time.sleep(600)

    set_password = delete_password = get_password
"""


@pytest.fixture
def keyrings(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Return what chooses a keyring for a process."""
    (tmp_path / "keyrings.py").write_text(KEYRINGS)
    return lambda name: {
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": f"keyrings.{name}",
        "TEST_KEYRING_FILE": str(tmp_path / "entries.json"),
    }


@pytest.fixture
def timed(
    command_line: Callable[..., list[str]], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command with a keyring that hangs; it must end in time and try it once at most."""

    def run(*words: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        calls = tmp_path / "entries.calls"
        calls.unlink(missing_ok=True)
        begin = time.monotonic()
        ended = subprocess.run(
            command_line(*words),
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert time.monotonic() - begin < 5
        assert not calls.exists() or len(calls.read_text()) == 1
        return ended

    return run


def test_a_login_goes_to_the_file_or_fails(
    provider: FakeProvider, keyrings: Callable[..., dict[str, str]], timed: Callable[..., Any]
) -> None:
    hanging = keyrings("Hanging")
    ended = timed("login", "--device", environ=hanging)
    assert (ended.returncode, ended.stdout) == (0, "Logged in as user@example.com\n")
    assert "did not answer within 3 s" in ended.stderr
    assert "credentials.json" in ended.stderr
    ended = timed("whoami", environ=hanging)  # which finds it without asking the keyring
    assert ended.returncode == 0
    ended = timed("login", "--device", "--require-encrypted", environ=hanging)
    assert ended.returncode == 3
    assert "did not answer within 3 s" in ended.stderr


def test_other_commands_end_too(
    provider: FakeProvider,
    keyrings: Callable[..., dict[str, str]],
    timed: Callable[..., Any],
    process: Callable[..., Any],
    config: Callable[[str], Path],
) -> None:
    config(f"profiles: {{a: {{api_url: '{provider.issuer}'}}, b: {{}}}}")
    for name in ("a", "b"):
        words = ("login", "--device", "--profile", name)
        assert process(*words, environ=keyrings("Working")).returncode == 0
    hanging = keyrings("Hanging")
    for words in (("whoami",), ("auth", "status"), ("auth", "token"), ("login", "--device")):
        ended = timed(*words, environ=hanging)
        assert "did not answer within 3 s" in ended.stderr
        assert ended.returncode == (0 if words[0] == "login" else 3)
    ended = timed("logout", "--all", environ=hanging)
    assert ended.returncode == 0
    assert "are deleted, but not their key" in ended.stderr


@pytest.mark.parametrize("words", [("runs", "list"), ("--help",), ("whoami", "--offline")])
def test_commands_that_need_no_keyring_do_not_wait_for_one(
    words: tuple[str, ...],
    provider: FakeProvider,
    keyrings: Callable[..., dict[str, str]],
    timed: Callable[..., Any],
    tmp_path: Path,
) -> None:
    ended = timed(*words, environ={**keyrings("Hanging"), "DAGY_TOKEN": "t"})
    assert ended.returncode == 0
    assert not (tmp_path / "entries.calls").exists()
