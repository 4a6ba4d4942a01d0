from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SERVER = """
from dagy_types.errors import ConflictError

DESCRIPTION = "Run a control plane on this machine."
EXAMPLES = ("dagy server start --port 9000",)

def configure(parser):
    parser.add_argument("--port", type=int, default=8000, help="where to listen")

def start(args, *, environ, say):
    if args.port == 1:
        raise ConflictError("Port 1 is in use.", hint="Give another --port.")
    say(f"at {args.port} in {environ['DAGY_LOCAL_DIR']}")
"""


@pytest.fixture
def installed_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that offers the command, installed as pip would: with its metadata."""
    site = tmp_path / "site"
    metadata = site / "some_server-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "some_server.py").write_text(SERVER)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: some-server\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[dagy.commands]\nserver = some_server\n")
    monkeypatch.syspath_prepend(str(site))


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: ())


@pytest.mark.usefixtures("installed_server")
def test_an_installed_server_is_started_with_its_own_arguments(
    dagy: Callable[..., Any], local_dir: Path
) -> None:
    ended = dagy("server", "start", "--port", "9000")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == f"at 9000 in {local_dir}\n"


@pytest.mark.usefixtures("installed_server")
def test_an_installed_server_explains_its_own_arguments(dagy: Callable[..., Any]) -> None:
    ended = dagy("server", "start", "--help")
    assert ended.code == 0
    assert "where to listen" in ended.out
    assert "dagy server start --port 9000" in ended.out


@pytest.mark.usefixtures("installed_server")
def test_what_the_server_refuses_has_its_exit_code(dagy: Callable[..., Any]) -> None:
    ended = dagy("server", "start", "--port", "1")
    assert ended.code == 6
    assert ended.err.splitlines() == ["error: Port 1 is in use.", "hint: Give another --port."]


@pytest.mark.usefixtures("installed_server")
def test_an_unknown_argument_is_refused(dagy: Callable[..., Any]) -> None:
    ended = dagy("server", "start", "--prot", "1")
    assert ended.code == 2
    assert "Unrecognized arguments: --prot 1." in ended.err


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("arguments", [(), ("--port", "9000")])
def test_without_a_server_it_is_said_what_to_install(
    dagy: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    ended = dagy("server", "start", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "error: The server is not installed.",
        "hint: Run: pip install dagy-server",
    ]


@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_help_says_so(dagy: Callable[..., Any]) -> None:
    ended = dagy("server", "start", "--help")
    assert ended.code == 0
    assert "It is not installed; run: pip install dagy-server" in ended.out


def test_the_noun_alone_shows_its_help(dagy: Callable[..., Any]) -> None:
    ended = dagy("server")
    assert ended.code == 0
    assert "dagy server start" in ended.out
