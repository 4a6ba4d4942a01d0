from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import FileStore, TokenSet
from dagy_auth.testing import FakeProvider
from dagy_cli.app import App, Options
from dagy_cli.commands.login import log_in
from dagy_cli.console import Console
from dagy_types.errors import CredentialStoreError

DEVICE = ("login", "--device")


def _files(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_login_without_a_keyring_is_in_a_private_file_and_that_is_said(
    dagy: Callable[..., Any], provider: FakeProvider, local_dir: Path
) -> None:
    """AUTH-01"""
    ended = dagy(*DEVICE)
    assert (ended.code, ended.out) == (0, "Logged in as user@example.com\n")
    lines = ended.err.splitlines()
    path = local_dir / "credentials.json"
    assert lines[0] == "The keyring cannot be used: there is none."
    assert "and enter the code: WDJB-MJHT (good for 15 m 00 s)" in lines
    assert lines[-1] == (
        f"The tokens are in {path} (mode 600, not encrypted). "
        "For the keyring instead: --storage keyring"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert dagy("whoami").code == 0


def test_a_login_with_a_keyring_is_in_it(
    dagy: Callable[..., Any], provider: FakeProvider, keyring_entries: dict[str, str]
) -> None:
    ended = dagy(*DEVICE, "--require-encrypted")
    assert ended.code == 0
    assert ended.err.endswith(
        "The tokens are in the keyring (Double), encrypted. For a file instead: --storage file\n"
    )
    assert len(keyring_entries) == 1
    assert "Encrypted:     yes" in dagy("whoami").out


def test_a_program_gets_one_document(
    dagy: Callable[..., Any], provider: FakeProvider, local_dir: Path
) -> None:
    document = json.loads(dagy(*DEVICE, "--format", "json").out)
    assert document.pop("expires_at").endswith("Z")
    assert document == {
        "profile": "default",
        "server": provider.issuer,
        "user": "user@example.com",
        "subject": None,
        "renewable": True,
        "storage": str(local_dir / "credentials.json"),
        "encrypted": False,
    }


def test_a_login_in_the_browser(
    dagy: Callable[..., Any], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "ours")
    monkeypatch.setattr("webbrowser.open", provider.browser)
    ended = dagy("login")
    assert (ended.code, ended.out) == (0, "Logged in as user@example.com\n")
    assert f"{provider.issuer}/authorize?" in ended.err
    assert provider.requests_to("/authorize")


NOISY_BROWSER = """
import sys
from urllib.request import urlopen
print("the browser is noisy", flush=True)
urlopen(sys.argv[1], timeout=30).read()
"""


def test_what_a_browser_prints_is_no_answer(
    process: Callable[..., Any], provider: FakeProvider, tmp_path: Path
) -> None:
    script = tmp_path / "browser.py"
    script.write_text(NOISY_BROWSER)
    ended = process("login", environ={"BROWSER": f"{sys.executable} {script} %s"})
    assert (ended.returncode, ended.stdout) == (0, "Logged in as user@example.com\n")
    assert "the browser is noisy\n" in ended.stderr


def test_quiet_shows_the_code_and_the_answer_alone(
    dagy: Callable[..., Any], provider: FakeProvider
) -> None:
    ended = dagy(*DEVICE, "--quiet")
    assert ended.out == "Logged in as user@example.com\n"
    assert "WDJB-MJHT" in ended.err
    assert "keyring" not in ended.err


def test_a_token_from_stdin_is_stored_once_the_server_has_accepted_it(
    dagy: Callable[..., Any], provider: FakeProvider, give_stdin: Callable[[str], None]
) -> None:
    token = provider.new_tokens().access_token.reveal()
    give_stdin(f"{token}\n")
    ended = dagy("login", "--with-token")
    assert (ended.code, ended.out) == (0, "Logged in as user@example.com\n")
    assert dagy("auth", "token").out == f"{token}\n"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", 2, "No token can be read from the standard input: it is empty."),
        ("two\nlines\n", 2, "No token can be read from the standard input: "),
        ("unknown", 3, "refuses the new token."),
    ],
)
def test_a_token_that_is_no_good_is_not_stored(
    text: str,
    code: int,
    message: str,
    dagy: Callable[..., Any],
    provider: FakeProvider,
    give_stdin: Callable[[str], None],
    local_dir: Path,
) -> None:
    give_stdin(text)
    ended = dagy("login", "--with-token")
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert not (local_dir / "credentials.json").exists()


def test_a_terminal_is_not_read_for_a_token(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    terminal: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", terminal)
    ended = dagy("login", "--with-token")
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "error: --with-token reads the token from stdin, and that is the terminal.",
        "hint: Give it a file or a pipe: dagy login --with-token < api-key.txt",
    ]


def test_an_account_without_a_name_is_named_by_its_server(
    dagy: Callable[..., Any], provider: FakeProvider
) -> None:
    provider.email = ""
    assert dagy(*DEVICE).out == f"Logged in to {provider.issuer}\n"


@pytest.mark.parametrize("words", [(*DEVICE,), ("login", "--with-token")])
@pytest.mark.parametrize("name", ["DAGY_TOKEN", "DAGY_TOKEN_FILE"])
def test_a_login_that_would_not_count_is_refused(
    words: tuple[str, ...],
    name: str,
    dagy: Callable[..., Any],
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, "x")
    ended = dagy(*words)
    assert ended.code == 2
    assert ended.err.startswith(f"error: {name} is set, and beats every stored login.\n")
    assert provider.requests == []


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (("--require-encrypted",), {}),
        (("--storage", "keyring"), {}),
        ((), {"DAGY_AUTH_STORAGE": "keyring"}),
        ((), {"DAGY_PROFILE": "strict"}),
    ],
)
def test_without_a_keyring_a_login_that_must_be_encrypted_writes_nothing_and_asks_nobody(
    words: tuple[str, ...],
    environ: dict[str, str],
    dagy: Callable[..., Any],
    provider: FakeProvider,
    config: Callable[[str], Path],
    local_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AUTH-03, AUTH-08"""
    config("profiles: {dev: {}, strict: {auth_storage: keyring}}")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    before = _files(local_dir)
    ended = dagy(*DEVICE, *words)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("error: The keyring cannot be used: there is none.\n")
    assert _files(local_dir) == before
    assert provider.requests == []


def test_contradicting_settings_are_wrong_usage(
    dagy: Callable[..., Any], provider: FakeProvider
) -> None:
    assert dagy(*DEVICE, "--storage", "file", "--require-encrypted").code == 2
    assert dagy(*DEVICE, "--with-token").code == 2


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [
        ("/.well-known/oauth-authorization-server", "error_500", 4),
        ("/device_authorization", "drop", 4),
        ("/token", "truncated", 3),
        ("/me", "unauthorized", 3),
    ],
)
def test_a_login_that_fails_leaves_the_earlier_one(
    path: str,
    kind: Any,
    code: int,
    dagy: Callable[..., Any],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    local_dir: Path,
) -> None:
    """AUTH-04: "Logged in" is said when the server has accepted the token."""
    stored()
    before = _files(local_dir)
    provider.misbehave(path, kind, times=2)
    ended = dagy(*DEVICE)
    assert (ended.code, ended.out) == (code, "")
    assert len([each for each in ended.err.splitlines() if each.startswith("error: ")]) == 1
    assert _files(local_dir) == before


def test_a_login_that_the_server_does_not_confirm_is_stored_and_that_is_said(
    dagy: Callable[..., Any], provider: FakeProvider
) -> None:
    """AUTH-04"""
    provider.misbehave("/me", "error_500")
    ended = dagy(*DEVICE)
    assert (ended.code, ended.out) == (4, "")
    assert "hint: The login is stored, and not confirmed." in ended.err
    assert dagy("whoami").code == 0


def test_a_refusal_is_exit_3(dagy: Callable[..., Any], provider: FakeProvider) -> None:
    provider.denies = True
    ended = dagy(*DEVICE)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.splitlines()[-2:] == [
        f"error: The login at {provider.origin.removeprefix('http://')} was refused.",
        "hint: Log in again and accept.",
    ]


NAMES = ["prod", "Prod", "team/prod", "team", "プロド", "a b"]


def test_profiles_do_not_collide_whatever_their_names_are(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    config: Callable[[str], Path],
    local_dir: Path,
) -> None:
    """AUTH-22"""
    config(json.dumps({"profiles": {name: {"api_url": provider.issuer} for name in NAMES}}))
    tokens = {}
    for name in NAMES:
        assert dagy(*DEVICE, "--profile", name).code == 0
        tokens[name] = dagy("auth", "token", "--profile", name).out
    assert len(set(tokens.values())) == len(NAMES)
    for name in NAMES:
        assert dagy("auth", "token", "--profile", name).out == tokens[name]
    assert dagy("logout", "--profile", "team/prod").code == 0
    assert dagy("auth", "token", "--profile", "team").out == tokens["team"]
    assert dagy("logout", "--all").code == 0
    assert not list(local_dir.glob("credentials*"))


def test_a_new_login_leaves_no_second_copy_elsewhere(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    keyring_entries: dict[str, str],
    local_dir: Path,
) -> None:
    assert dagy(*DEVICE, "--storage", "file").code == 0
    assert dagy(*DEVICE, "--storage", "keyring").code == 0
    assert not (local_dir / "credentials.json").exists()
    assert dagy(*DEVICE, "--storage", "file").code == 0
    assert keyring_entries == {}


def test_tokens_that_the_keyring_does_not_keep_are_not_claimed_to_be_stored(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    keyring_entries: dict[str, str],
    local_dir: Path,
) -> None:
    """AUTH-03, AUTH-04: without a terminal nobody is asked."""
    keyring_entries["broken"] = ""
    ended = dagy(*DEVICE)
    assert (ended.code, ended.out) == (3, "")
    assert "did not keep it" in ended.err
    assert ended.err.endswith("hint: Log in again with --storage file.\n")
    ended = dagy(*DEVICE, "--require-encrypted")
    assert ended.code == 3
    assert "--storage file" not in ended.err


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_the_file_is_offered_instead(
    answer: str,
    provider: FakeProvider,
    keyring_entries: dict[str, str],
    local_dir: Path,
    terminal: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AUTH-03"""
    keyring_entries["broken"] = ""
    typed = type(terminal)(f"{answer}\n")
    monkeypatch.setattr(typed, "fileno", lambda: 0, raising=False)
    monkeypatch.setattr("sys.stdin", typed)
    console = Console(io.StringIO(), terminal, environ={})
    app = App(options=Options(), environ=os.environ, console=console)
    args = Namespace(
        profile=None,
        storage=None,
        device=True,
        with_token=False,
        no_browser=False,
        require_encrypted=False,
    )
    if answer == "y":
        assert log_in(args, app).exit_code == 0
        assert FileStore(local_dir / "credentials.json").load("default") is not None
    else:
        with pytest.raises(CredentialStoreError):
            log_in(args, app)
    assert "credentials.json, not encrypted? [y/N] " in terminal.getvalue()


def _wait_for_text(terminal: int, text: str) -> str:
    seen = b""
    while text.encode() not in seen:
        seen += os.read(terminal, 4096)
    return seen.decode()


@pytest.fixture
def on_a_terminal(
    command_line: Callable[..., list[str]], spawn: Callable[..., subprocess.Popen[str]]
) -> Callable[..., tuple[subprocess.Popen[str], int]]:
    """Start the command with a terminal for stdin and stderr."""

    def start(*words: str) -> tuple[subprocess.Popen[str], int]:
        controller, end = pty.openpty()
        command = command_line(*words)
        running = spawn(command, stdin=end, stderr=end, stdout=subprocess.PIPE)
        os.close(end)
        return running, controller

    return start


def test_the_url_that_the_browser_ends_at_can_be_pasted(
    on_a_terminal: Callable[..., tuple[subprocess.Popen[str], int]], provider: FakeProvider
) -> None:
    """AUTH-15"""
    running, terminal = on_a_terminal("login", "--no-browser", "--storage", "file")
    shown = _wait_for_text(terminal, "Ctrl-C stops.")
    (url,) = re.findall(r"^(http\S+)\r$", shown, re.MULTILINE)
    assert "paste the URL of that page here" in shown
    os.write(terminal, b"nonsense\n")
    _wait_for_text(terminal, "This is not the URL")
    os.write(terminal, provider.approve(url).encode() + b"\n")
    out, _ = running.communicate(timeout=30)
    os.close(terminal)
    assert (running.returncode, out) == (0, "Logged in as user@example.com\n")


@pytest.mark.parametrize("words", [("--no-browser",), ("--device",)])
def test_ctrl_c_ends_a_login_at_once(
    words: tuple[str, ...],
    on_a_terminal: Callable[..., tuple[subprocess.Popen[str], int]],
    provider: FakeProvider,
    local_dir: Path,
) -> None:
    provider.device_interval = 600
    running, terminal = on_a_terminal("login", *words, "--storage", "file")
    _wait_for_text(terminal, "Ctrl-C stops.")
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=5)
    os.close(terminal)
    assert (running.returncode, out) == (130, "")
    assert not (local_dir / "credentials.json").exists()
