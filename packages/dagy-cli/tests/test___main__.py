"""The command as a process of its own: its streams, what it imports, what it leaves on them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

LISTS = [
    ["runs", "list"],
    ["runs", "list", "--format", "json"],
    ["runs", "list", "--format", "csv"],
    ["runs", "show", "run1"],
    ["logs", "run1"],
    ["logs", "run1", "--format", "jsonl"],
    ["auth", "status"],
    ["auth", "token"],
    ["--help"],
    ["--version"],
]


TOKEN = {"DAGY_TOKEN": "t", "DAGY_API_URL": "http://127.0.0.1:9"}


def _imported(
    *words: str, environ: dict[str, str] | None = None, codes: Sequence[int] = (0,)
) -> set[str]:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dagy_cli", *words],
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in codes, ended.stderr
    names = re.findall(r"\|\s+([\w.]+)$", ended.stderr, flags=re.MULTILINE)
    return {name.split(".")[0] for name in names}


def test_the_version_costs_no_import_that_it_does_not_need(metadata_dir: Path) -> None:
    """CLI-02"""
    imported = _imported("--version", environ={"PYTHONPATH": str(metadata_dir)})
    assert "dagy_cli" in imported
    assert not imported & {
        *("pydantic", "httpx", "keyring", "tabulate", "yaml", "asyncio", "sqlite3"),
        *("dagy", "dagy_store", "dagy_types", "dagy_auth", "argparse", "typing", "dataclasses"),
    }


def test_help_imports_no_command() -> None:
    imported = _imported("--help")
    assert not imported & {"dagy", "dagy_store", "dagy_types", "dagy_auth", "dataclasses"}


def test_listing_runs_imports_neither_the_sdk_nor_other_formats(
    add_run: Callable[..., str],
) -> None:
    """CLI-02"""
    add_run()
    imported = _imported("runs", "list")
    assert "dagy_store" in imported
    assert not imported & {
        *("dagy", "tabulate", "yaml", "httpx", "keyring", "pydantic", "asyncio", "dagy_auth"),
    }


OF_ALL = {"console", "escaping", "main"}
OF_A_LIST = {
    *("app", "arguments", "commands", "commands.runs", "commands.runs.list"),
    *("commands.runs.verbs", "exit_codes", "parser", "render", "render.cells"),
    *("render.table_text", "render.view", "run_places", "run_views", "task_groups", "termination"),
}


@pytest.mark.parametrize(
    ("words", "own", "others"),
    [
        (["--version"], OF_ALL | {"version"}, set()),
        (["--help"], OF_ALL | {"parser"}, set()),
        (["runs", "list"], OF_ALL | OF_A_LIST, {"dagy_store", "dagy_types"}),
    ],
    ids=["version", "help", "list"],
)
def test_cli_02_what_a_start_loads_is_this_and_no_more(
    words: list[str],
    own: set[str],
    others: set[str],
    add_run: Callable[..., str],
    metadata_dir: Path,
) -> None:
    """Speed is what is not loaded: whoever adds a module here has decided that it is worth it."""
    add_run()
    code = f"""
import sys
before = set(sys.modules)
from dagy_cli.main import main
main({words!r})
print(*set(sys.modules) - before, file=sys.stderr)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(metadata_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    names = ended.stderr.split()
    loaded = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    ours = {name.removeprefix("dagy_cli.") for name in loaded if name.startswith("dagy_cli.")}
    assert ours == own
    assert {name.split(".")[0] for name in loaded} - {"dagy_cli"} == others


@pytest.mark.parametrize(
    "words",
    [
        *(["whoami"], ["whoami", "--offline"], ["auth", "status"], ["auth", "token"]),
        *(["login"], ["login", "--with-token"], ["logout"], ["logout", "--all"]),
    ],
    ids=" ".join,
)
def test_with_a_token_in_the_environment_no_keyring_is_imported(
    words: list[str], stored: Callable[..., object]
) -> None:
    """AUTH-07: not even by commands that refuse to work then."""
    stored()
    imported = _imported(*words, environ=TOKEN, codes=(0, 2, 4))
    assert "dagy_auth" in imported
    assert not imported & {"keyring", "cryptography", "pydantic", "tabulate", "dagy", "yaml"}
    assert ("httpx" in imported) is (words == ["whoami"])


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_reader_that_has_gone_is_no_failure(
    words: list[str],
    unbuffered: str,
    command_line: Callable[..., list[str]],
    add_run: Callable[..., str],
    metadata_dir: Path,
) -> None:
    """CLI-09: as in `dagy runs list | head -1`, where head had enough before the first line."""
    add_run()
    environ = {"PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": str(metadata_dir), **TOKEN}
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        command_line(*words),
        env={**os.environ, **environ},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", LISTS, ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_full_device_is_one_line(
    words: list[str],
    unbuffered: str,
    command_line: Callable[..., list[str]],
    add_run: Callable[..., str],
    metadata_dir: Path,
) -> None:
    """CLI-09"""
    add_run()
    environ = {"PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": str(metadata_dir), **TOKEN}
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            command_line(*words),
            env={**os.environ, **environ},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ended.returncode == 1
    message = "Cannot write the output: No space left on device."
    if words[-1] in ("json", "jsonl"):
        assert json.loads(ended.stderr)["error"]["message"] == message
    else:
        assert ended.stderr.decode() == f"error: {message}\n"


def test_a_failed_run_keeps_its_code_though_nobody_reads(
    command_line: Callable[..., list[str]], flow_file: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = command_line("run", f"{flow_file}:failing", "--quiet")
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert ended.returncode == 10
    assert ended.stderr.startswith(b"error: Task 'broken' failed")


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_harms_nothing(
    closed: int, command_line: Callable[..., list[str]], add_run: Callable[..., str]
) -> None:
    add_run()
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}>&-', "sh", *command_line("runs", "list")],
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (b"run1" in ended.stdout) is (closed != 1)


@pytest.mark.parametrize("environ", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
@pytest.mark.parametrize("output_format", ["table", "json", "jsonl", "yaml", "csv"])
def test_any_name_can_be_shown_in_any_encoding(
    environ: dict[str, str],
    output_format: str,
    process: Callable[..., Any],
    add_run: Callable[..., str],
) -> None:
    """CLI-35"""
    add_run(flow_name="naïve-流")
    ended = process("runs", "list", "--format", output_format, environ=environ)
    assert (ended.returncode, ended.stderr) == (0, "")
    if output_format == "json":
        assert json.loads(ended.stdout)[0]["flow_name"] == "naïve-流"


def _on_a_terminal(command: list[str], environ: dict[str, str]) -> bytes:
    main, end = pty.openpty()
    subprocess.run(command, env={**os.environ, **environ}, stdout=end, check=True)
    os.close(end)
    seen = b""
    try:
        while new := os.read(main, 4096):
            seen += new
    except OSError:
        pass  # how Linux tells that the other end is closed
    os.close(main)
    return seen


@pytest.mark.parametrize(
    ("words", "environ", "has_escapes"),
    [
        ([], {"TERM": "xterm"}, True),
        (["--color", "never"], {"TERM": "xterm"}, False),
        ([], {"TERM": "xterm", "NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
        (["--color", "always"], {"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_gets_escapes_only_where_they_are_welcome(
    words: list[str],
    environ: dict[str, str],
    has_escapes: bool,
    command_line: Callable[..., list[str]],
    add_run: Callable[..., str],
) -> None:
    """CLI-12, CLI-13"""
    add_run(flow_name="evil\x1b[2J\u202e")
    seen = _on_a_terminal(command_line("runs", "list", *words), {"COLUMNS": "120", **environ})
    assert "┏".encode() in seen
    assert b"evil\\x1b[2J\\u202e" in seen
    assert (b"\x1b" in seen) is has_escapes


@pytest.mark.parametrize(
    ("words", "environ", "has_escapes"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, False),
    ],
)
def test_a_pipe_gets_escapes_only_when_they_are_forced(
    words: list[str],
    environ: dict[str, str],
    has_escapes: bool,
    process: Callable[..., Any],
    add_run: Callable[..., str],
) -> None:
    """CLI-12"""
    add_run()
    ended = process("runs", "list", *words, environ=environ)
    assert ("\x1b" in ended.stdout) is has_escapes
