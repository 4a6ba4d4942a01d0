from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_cli.completion import SHELLS

Ask = Callable[..., list[str]]


@pytest.fixture
def ask(dagy: Callable[..., Any]) -> Ask:
    """Return the words that may stand at the end of others; nothing else may be said."""

    def ask(*words: str) -> list[str]:
        ended = dagy("__complete", *words)
        assert (ended.code, ended.err) == (0, "")
        return [line.split("\t")[0] for line in ended.out.splitlines()]

    return ask


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["runs", "l"], ["list"]),
        (["ru"], ["run", "runs"]),
        (["--quiet", "runs", "sh"], ["show"]),
        (["--profile", "x", "runs", "sh"], ["show"]),
        (["runs", "list", "--form"], ["--format"]),
        (["runs", "list", "--format", "js"], ["json", "jsonl"]),
        (["runs", "list", "--format=js"], ["--format=json", "--format=jsonl"]),
        (["runs", "list", "--format", "=", "js"], ["json", "jsonl"]),
        (["runs", "list", "--format", "="], ["table", "json", "jsonl", "yaml", "csv", "name"]),
        (["runs", "list", "--status", "f"], ["failed"]),
        (["runs", "list", "extra", ""], []),
        (["runs", "list", "--limit", ""], []),
        (["runs", "list", "--nothing=x"], []),
        (["help", "exit"], ["exit-codes"]),
        (["help", "runs", "vers"], ["version"]),
        (["config", "get", "table"], ["table_format"]),
        (["completion", ""], list(SHELLS)),
        (["schema", "runs.l"], ["runs.list"]),
        (["absent", "sh"], []),
        (["run", ""], [":files"]),
        (["run", "--params", ""], [":files"]),
        (["deploy", "a"], [":files"]),
        (["runs", "show", "--svg", "x"], [":files"]),
    ],
)
def test_cli_26_words_are_completed(ask: Ask, words: list[str], candidates: list[str]) -> None:
    assert ask(*words) == candidates


def test_every_command_is_offered_with_what_it_does(dagy: Callable[..., Any]) -> None:
    lines = dagy("__complete").out.splitlines()
    assert "logs\tshow what a run logged" in lines
    assert not [line for line in lines if line.startswith("__")]


def test_cli_26_runs_are_completed_by_id(ask: Ask, add_run: Callable[..., str]) -> None:
    for run_id in ("abc123", "abd456", "xyz789"):
        add_run(run_id)
    assert set(ask("runs", "show", "")) == {"abc123", "abd456", "xyz789"}
    assert ask("logs", "--follow", "abc") == ["abc123"]
    assert set(ask("runs", "diff", "abc123", "ab")) == {"abc123", "abd456"}


def test_a_run_is_described(dagy: Callable[..., Any], add_run: Callable[..., str]) -> None:
    add_run("abc123", flow_name="daily")
    assert dagy("__complete", "runs", "show", "abc").out == "abc123\tdaily FAILED\n"


def test_profiles_are_completed(ask: Ask, config: Callable[[str], Path]) -> None:
    config("profiles: {dev: {}, prod: {api_url: https://api.dagy.io}}")
    assert ask("runs", "list", "--profile", "") == ["dev", "prod"]
    assert ask("config", "delete", "p") == ["prod"]


def test_looking_for_words_makes_nothing(ask: Ask, local_dir: Path) -> None:
    assert ask("runs", "show", "") == []
    assert ask("--profile", "") == []
    assert not local_dir.exists()


def test_what_cannot_be_read_offers_nothing(ask: Ask, local_dir: Path) -> None:
    local_dir.mkdir(mode=0o700)
    (local_dir / "dagy.db").write_bytes(b"no database" * 100)
    (local_dir / "config.yaml").write_text("- a\n")
    assert ask("runs", "show", "") == []
    assert ask("--profile", "") == []


def test_cli_26_neither_keyring_nor_network_is_touched(
    process: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    add_run("abc123")
    code = (
        "import sys; from dagy_cli.main import main; main(['__complete', 'runs', 'show', 'a']);"
        "print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DAGY_API_URL": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=True,
    )
    shown, modules = ended.stdout.splitlines()
    assert shown.startswith("abc123\t")
    loaded = set(modules.split())
    assert not loaded & {"keyring", "httpx", "socket", "ssl", "pydantic", "yaml", "dagy_auth"}


SCRIPT_OF_BASH = r"""
source <("$DAGY" completion bash)
COMP_WORDS=("$DAGY" "$@"); COMP_CWORD=$#
_dagy "$DAGY"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def executable(tmp_path: Path) -> Path:
    """The command as a file of its own, as shells need it."""
    path = tmp_path / "bin" / "dagy"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dagy_cli "$@"\n')
    path.chmod(0o755)
    return path


def test_bash_completes(executable: Path, add_run: Callable[..., str]) -> None:
    add_run("abc123")

    def completed(*words: str) -> list[str]:
        ended = subprocess.run(
            ["bash", "--norc", "-c", SCRIPT_OF_BASH, "bash", *words],
            env={**os.environ, "DAGY": str(executable)},
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout.split()

    assert completed("runs", "l") == ["list"]
    assert completed("runs", "list", "--format", "=", "js") == ["json", "jsonl"]
    assert completed("logs", "") == ["abc123"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_takes(
    dagy: Callable[..., Any], tmp_path: Path, shell: str
) -> None:
    printed = dagy("completion", shell)
    assert printed.code == 0
    assert "__complete" in printed.out
    path = tmp_path / "script"
    path.write_text(printed.out)
    if found := shutil.which(shell):  # the others are syntax for shells that are not here
        subprocess.run([found, "-n", path], check=True)


def test_an_unknown_shell_is_refused_with_those_there_are(dagy: Callable[..., Any]) -> None:
    ended = dagy("completion", "tcsh")
    assert ended.code == 2
    assert ended.err == "error: Unknown shell: 'tcsh'.\nhint: Use one of: bash, zsh, fish.\n"
