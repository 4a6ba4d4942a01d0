"""CLI-32: the examples in the help of every command, run as they stand."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dagy_auth.testing import FakeProvider
from dagy_cli.parser import CommandParser, build_parser
from dagy_client.testing import FakeServer
from dagy_types import FlowSpec

ETL = """
from pathlib import Path

from dagy import flow, task


@task
def load(day: str) -> list[int]:
    print("loading", day)
    return [1, 2, 3, 4]


@task
def step(number: int) -> int:
    if number == 4 and Path("broken").exists():
        raise ValueError("the fourth is broken")
    return number


@task
def report(numbers: list[int]) -> int:
    return sum(numbers)


@flow
def daily(day: str = "2026-10-31") -> int:
    return report(step.map(load(day)))
"""

OF_THE_ACCOUNT = ("login", "logout", "whoami", "auth")
OF_THE_SERVER = ("deploy", "flows", "deployments", "api-keys")

OTHER_CODES = {
    "dagy config": 2,  # nobody can answer questions here
    "dagy replay RUN --task 'step[3]' --pdb": 2,  # a debugger needs a terminal
    "dagy deploy daily.zip --dry-run --exit-code": 8,  # something would change
    "dagy runs diff A B": 8,  # one of them has failed
    "dagy runs diff A B --format json": 8,
}
ELSEWHERE = {
    "dagy login --no-browser --storage file": "test_login, with a person who opens the URL",
    "dagy server": "test_server_command, in a process that can be stopped",
}


def _examples(parser: CommandParser, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command with each of its examples."""
    for line in (parser.epilog or "").splitlines()[1:]:
        yield (*words, line.strip())
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, branch in action.choices.items():
                yield from _examples(branch, (*words, name))


ALL = sorted({each[-1] for each in _examples(build_parser())})
EXAMPLES = [each for each in ALL if not each.startswith(tuple(ELSEWHERE))]


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with all the files that the examples name."""
    directory = tmp_path / "workshop"
    for name in ("moved", "sql/daily", "tests"):
        (directory / name).mkdir(parents=True)
    (directory / "etl.py").write_text(ETL)
    (directory / "moved" / "etl.py").write_text(ETL)
    (directory / "sql" / "daily" / "load.sql").write_text("SELECT 1\n")
    (directory / "logo.png").write_bytes(b"\x89PNG")
    (directory / "params.json").write_text('{"day": "2026-11-01"}')
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def server(
    request: pytest.FixtureRequest, config: Callable[[str], Path]
) -> Callable[[], FakeServer]:
    """Have a server with two versions of a flow, whatever the profile."""

    def start() -> FakeServer:
        server: FakeServer = request.getfixturevalue("deployed")
        config("profiles: {dev: {}, prod: {}}")
        with server.client() as client:
            client.flows.register(FlowSpec(name="daily", version="2"))
        return server

    return cache(start)


class World:
    """What the examples are run in: runs, an archive, a server or a provider."""

    def __init__(self, dagy: Callable[..., Any], server: Callable[[], FakeServer]) -> None:
        self.dagy = dagy
        self.server = server

    def arguments(self, example: str) -> list[str]:
        """Return the arguments of an example, with what it needs in place."""
        words = shlex.split(example)[1:]
        command = words[0]
        is_remote = "--remote" in words or words[:2] in (["runs", "cancel"], ["runs", "retry"])
        if command in OF_THE_SERVER or is_remote or words[:2] == ["runs", "push"]:
            self.server()
        if "--allow-secret" in words:
            Path("tests/fake_key.py").write_text("KEY = 'dagy_sk_0123456789abcdefghij'\n")
        if command == "deploy":
            assert self.dagy("build", "etl.py:daily", "-o", "daily.zip").code == 0
        if words[:2] == ["run", "nightly"]:
            self.server()
        if command == "config" and words[1:2] not in (["set"], ["path"]):
            self.dagy("config", "set", "api_url", "http://localhost:1", "--profile", "prod")
            self.dagy("config", "set", "app_url", "http://localhost:1", "--profile", "prod")
            self.dagy("config", "set", "api_url", "http://localhost:1", "--profile", "dev")
            self.dagy("config", "set", "default_profile", "prod")
        if command == "config" and words[1:2] == ["set"] and "default_profile" in words:
            self.dagy("config", "set", "api_url", "http://localhost:1", "--profile", "prod")
        if "--profile" in words and command in ("doctor", "runs"):
            self.server()
        if command == "store":
            self.run()
        return [self._filled(word, words) for word in words]

    def run(self, *, fails: bool = False) -> str:
        """Run the flow here, and return the id."""
        mark = Path("broken")
        if fails:
            mark.touch()
        ended = self.dagy("run", "etl.py:daily", "--format", "json")
        mark.unlink(missing_ok=True)
        assert ended.code == (10 if fails else 0), ended.err
        return str(json.loads(ended.out)["run_id"])

    def _filled(self, word: str, words: list[str]) -> str:
        if word == "KEY_ID":
            with self.server().client() as client:
                return client.api_keys.create("ci", scopes=["flows.read"]).key_id
        if word not in ("RUN", "A", "B"):
            return word
        verb = words[1] if words[0] == "runs" else words[0]
        if verb in ("cancel", "retry"):
            with self.server().client() as client:
                run_id = client.runs.trigger("nightly").run_id
                return run_id if verb == "cancel" else client.runs.cancel(run_id).run_id
        return self.run(fails=verb == "resume" or word == "B")


@pytest.fixture
def account(
    request: pytest.FixtureRequest, config: Callable[[str], Path]
) -> Callable[[list[str]], None]:
    """Have a provider, and somebody who is logged in, for the commands that need that."""

    def prepare(words: list[str]) -> None:
        if words[0] in OF_THE_ACCOUNT:
            provider: FakeProvider = request.getfixturevalue("provider")
            stored = request.getfixturevalue("stored")
            config(f"profiles: {{prod: {{api_url: '{provider.issuer}'}}}}")
            tokens = stored("prod")
            Path("api-key.txt").write_text(tokens.access_token.reveal())

    return prepare


@pytest.mark.parametrize("example", EXAMPLES)
def test_cli_32_each_example_does_what_it_shows(
    example: str,
    dagy: Callable[..., Any],
    workshop: Path,
    server: Callable[[], FakeServer],
    account: Callable[[list[str]], None],
    give_stdin: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    command, is_redirected, file = example.partition(" < ")
    command = command.split(" | ")[0].split(" > ")[0]  # what other programs make of it is theirs
    world = World(dagy, server)
    arguments = world.arguments(command)
    account(arguments)
    if is_redirected:
        give_stdin((workshop / file).read_text())
    waits = arguments[:2] in (["run", "nightly"], ["runs", "retry"])
    with request.getfixturevalue("carried_out")() if waits else nullcontext():
        ended = dagy(*arguments)
    assert ended.code == OTHER_CODES.get(command, 0), ended.err


def test_every_command_has_an_example_of_its_own() -> None:
    for *words, example in _examples(build_parser()):
        if words:
            assert example.startswith(f"dagy {words[0]}")
    commands = {tuple(words) for *words, _ in _examples(build_parser())}
    assert len(commands) > 40


def test_what_is_run_elsewhere_is_an_example() -> None:
    assert all(any(each.startswith(start) for each in ALL) for start in ELSEWHERE)
    assert {each for each in OTHER_CODES if not any(a.startswith(each) for a in ALL)} == set()
