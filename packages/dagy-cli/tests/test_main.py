from __future__ import annotations

import json
import signal
from collections.abc import Callable
from itertools import chain, takewhile
from pathlib import Path
from typing import Any

import pytest

from dagy_cli.commands.runs import list as runs_list
from dagy_cli.main import main
from dagy_cli.parser import CommandParser, build_parser
from dagy_client.testing import FakeServer
from dagy_types import FlowSpec


def _leaves(parser: CommandParser, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    branches = next((a.choices for a in parser._actions if a.nargs == "A..."), None)
    if not isinstance(branches, dict):
        needs = [a for a in parser._actions if a.required and a.nargs != "*"]
        filled = ((*a.option_strings[:1], f"<{a.metavar}>") for a in needs)
        return [(*words, *chain.from_iterable(filled))]
    leaves = [_leaves(branch, (*words, name)) for name, branch in branches.items()]
    return [leaf for branch in leaves for leaf in branch]


@pytest.fixture
def full_server() -> FakeServer:
    """A server that has something to list and show."""
    server = FakeServer()
    with server.client() as client:
        client.flows.register(FlowSpec(name="daily"), deployment_name="nightly")
    return server


@pytest.fixture
def fill(
    dagy: Callable[..., Any], flow_file: Path, full_server: FakeServer
) -> Callable[[str], str]:
    """Return what stands for the name of an argument."""

    def recorded(*words: str) -> str:
        ended = dagy("run", *words, "--format", "json")
        run_id: str = json.loads(ended.out)["run_id"]
        return run_id

    def failed_but_mended() -> str:
        file = flow_file.with_name("mended")
        run_id = recorded(f"{flow_file}:mending", "--param", f"path={file}")
        file.touch()
        return run_id

    def built() -> str:
        path = flow_file.with_name("good.zip")
        assert dagy("build", f"{flow_file}:good", "-o", str(path)).code == 0
        return str(path)

    with full_server.client() as client:
        key_id = client.api_keys.create("ci", scopes=["flows.read"]).key_id
        under_way = client.runs.trigger("nightly").run_id
        cancelled = client.runs.cancel(client.runs.trigger("nightly").run_id).run_id
    fillings = {
        "<TARGET>": lambda: f"{flow_file}:good",
        "<TASK>": lambda: "one",
        "<FAILED>": failed_but_mended,
        "<UNDER-WAY>": lambda: under_way,
        "<CANCELLED>": lambda: cancelled,
        "<ARTIFACT.zip>": built,
        "<FLOW>": lambda: "daily",
        "<DEPLOYMENT>": lambda: "nightly",
        "<KEY_ID>": lambda: key_id,
        **dict.fromkeys(("<RUN>", "<A>", "<B>"), lambda: recorded(f"{flow_file}:good")),
    }
    return lambda word: fillings.get(word, lambda: word)()


WITHOUT_DOCUMENT = (("server", "start"), ("help",), ("completion", "<SHELL>"))
LEAVES = [each for each in _leaves(build_parser()) if each not in WITHOUT_DOCUMENT]
"""All commands but those whose answer is no document."""

OF_THE_API = ("deploy", "flows", "deployments", "api-keys", "push")

OF_CERTAIN_THINGS = {
    ("runs", "resume", "<RUN>"): ("runs", "resume", "<FAILED>"),
    ("runs", "cancel", "<RUN>"): ("runs", "cancel", "<UNDER-WAY>", "--remote"),
    ("runs", "retry", "<RUN>"): ("runs", "retry", "<CANCELLED>", "--remote", "--detach"),
    ("store", "prune"): ("store", "prune", "--older-than", "1d", "--yes"),
    ("store", "repair", "--to", "<NEW>"): ("store", "repair", "--to", "new"),
    ("store", "backup", "<FILE>"): ("store", "backup", "copy.db"),
    ("config", "get", "<KEY>"): ("config", "get", "api_url"),
    ("config", "set", "<KEY>", "<VALUE>"): ("config", "set", "protected", "true"),
    ("config", "unset", "<KEY>"): ("config", "unset", "api_url"),
    ("config", "delete", "<PROFILE>"): ("config", "delete", "dev"),
}


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
@pytest.mark.parametrize("extra", [(), ("--verbose",)], ids=["plain", "verbose"])
def test_json_of_every_command_is_exactly_one_document(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    extra: tuple[str, ...],
    process: Callable[..., Any],
    fill: Callable[[str], str],
    add_run: Callable[..., str],
    stored: Callable[..., Any],
    full_server: FakeServer,
    config: Callable[[str], Path],
    require_documented: Callable[[str, Any], None],
) -> None:
    """CLI-03, CLI-04: a new command is in this test by being in the parser."""
    monkeypatch.chdir(tmp_path)
    add_run()  # something to list
    stored()  # somebody who is logged in
    name = ".".join(takewhile(lambda word: word[0] not in "-<", words))
    words = OF_CERTAIN_THINGS.get(words, words)
    filled = [fill(word) for word in words]
    if words[0] == "config":
        config("profiles: {dev: {api_url: http://localhost:8000}}")
    environ = {"PYTHONWARNINGS": "always"}
    with full_server.listening() as url:
        if {*words[:2]} & {*OF_THE_API} or "--remote" in words:
            environ |= {"DAGY_API_URL": url, "DAGY_TOKEN": "dagy_at_fake"}
        ended = process(*extra, *filled, "--format", "json", environ=environ)
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document
    require_documented("run.detached" if "--detach" in words else name, document)


INCOMPLETE = [
    tuple(word for word in words if word[0] not in "-<")
    for words in LEAVES
    if any(word[0] == "<" for word in words)
]


@pytest.mark.parametrize("words", [*INCOMPLETE, ("config",), ("store", "prune")], ids=" ".join)
@pytest.mark.parametrize("extra", [(), ("--no-input",)], ids=["plain", "no-input"])
def test_cli_11_what_is_missing_is_not_asked_for(
    words: tuple[str, ...], extra: tuple[str, ...], dagy: Callable[..., Any]
) -> None:
    """Without a terminal nothing prompts or waits; a new command is here by being in the parser."""
    ended = dagy(*words, *extra)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert len(ended.err.splitlines()) <= 3


@pytest.mark.parametrize("words", [["--version"], ["runs", "--version"], ["--quiet", "--version"]])
def test_the_version_is_shown_wherever_it_is_asked_for(
    words: list[str],
    metadata_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(str(metadata_dir))
    assert main(words) == 0
    assert capsys.readouterr().out == "dagy 0.1.0\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["runs"], ["runs", "list", "-h"]])
def test_help_goes_to_stdout(words: list[str], dagy: Callable[..., Any]) -> None:
    ended = dagy(*words)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("usage: dagy ")


@pytest.mark.parametrize(
    "words",
    [
        ["--verbose", "--quiet", "runs", "list"],
        ["--verbose", "runs", "list", "--quiet"],
        ["runs", "--quiet", "list", "--verbose"],
        ["runs", "list", "--status", "broken"],
        ["runs", "list", "--limit", "0"],
        ["runs", "list", "--since", "yesterday"],
        ["runs", "show"],
        ["nope"],
    ],
)
def test_wrong_usage_is_exit_2_and_three_lines_at_most(
    words: list[str], dagy: Callable[..., Any]
) -> None:
    ended = dagy(*words)
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    assert len(lines) <= 3
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")


def test_debug_shows_the_traceback(dagy: Callable[..., Any]) -> None:
    ended = dagy("runs", "show", "nope", "--debug")
    assert ended.code == 5
    assert ended.err.startswith("Traceback (most recent call last):\n")


def test_an_unexpected_error_is_exit_1_with_a_report(
    dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, local_dir: Path
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(runs_list, "list_runs", fail)
    ended = dagy("runs", "list")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: Unexpected RuntimeError: boom\nreport: ")
    assert len(list((local_dir / "reports").iterdir())) == 1


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_command_without_a_word(
    signal_number: signal.Signals,
    code: int,
    dagy: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs_list, "list_runs", lambda *_: signal.raise_signal(signal_number))
    ended = dagy("runs", "list")
    assert (ended.code, ended.out, ended.err) == (code, "", "")


def test_an_unusable_local_directory_is_exit_9(dagy: Callable[..., Any], local_dir: Path) -> None:
    local_dir.write_text("a file is in the way")
    ended = dagy("runs", "list")
    assert (ended.code, ended.out) == (9, "")
    assert len(ended.err.splitlines()) <= 3
