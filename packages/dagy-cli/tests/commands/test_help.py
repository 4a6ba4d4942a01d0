from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_cli.exit_codes import MEANINGS, ExitCode
from dagy_cli.help_pages import VARIABLES

README = Path(__file__).parents[2] / "README.md"
ENV_EXAMPLE = Path(__file__).parents[4] / ".env.example"


@pytest.mark.parametrize("words", [(), ("run",), ("runs", "list"), ("auth",)])
def test_cli_22_help_shows_the_help_of_a_command(
    dagy: Callable[..., Any], words: tuple[str, ...]
) -> None:
    shown = dagy("help", *words)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == dagy(*words, "--help").out
    assert shown.out.startswith(f"usage: {' '.join(['dagy', *words])}")


def test_an_unknown_word_is_refused_with_the_nearest(dagy: Callable[..., Any]) -> None:
    ended = dagy("help", "rns")
    assert ended.code == 2
    assert ended.err == "error: Unknown command: 'rns'.\nhint: Did you mean: dagy runs\n"


def test_every_exit_code_is_explained(dagy: Callable[..., Any]) -> None:
    shown = dagy("help", "exit-codes").out
    assert set(MEANINGS) == set(ExitCode)
    codes = re.findall(r"^  (\d+)  ", shown, re.MULTILINE)
    assert [int(code) for code in codes] == [code.value for code in ExitCode]
    assert max(map(len, shown.splitlines())) <= 80


def test_the_readme_has_the_same_exit_codes() -> None:
    rows = "\n".join(f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items())
    assert rows in README.read_text(encoding="utf-8")


def test_the_environment_is_explained_as_in_the_readme(dagy: Callable[..., Any]) -> None:
    shown = dagy("help", "environment").out
    readme = README.read_text(encoding="utf-8")
    for names in VARIABLES:
        assert names in shown
        assert all(f"`{name}" in readme for name in names.split(", "))


def test_every_variable_of_the_command_is_explained() -> None:
    source = Path(__file__).parents[2] / "src"
    read = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", path.read_text("utf-8"))
    }
    explained = {name for names in VARIABLES for name in names.split(", ")}
    assert read >= {"DAGY_PROFILE", "DAGY_API_URL"}
    assert read <= explained


def test_the_example_of_an_environment_has_every_variable() -> None:
    named = re.findall(r"^#([A-Z_]+)=", ENV_EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) == {name for names in VARIABLES for name in names.split(", ")}
