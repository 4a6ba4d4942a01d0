from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from dagy_cli.commands.runs.verbs import VERBS


def test_the_noun_alone_names_its_verbs(dagy: Callable[..., Any]) -> None:
    ended = dagy("runs")
    assert (ended.code, ended.err) == (0, "")
    for verb, (_, summary) in VERBS.items():
        assert any(line.split() == [verb, *summary.split()] for line in ended.out.splitlines())


def test_each_verb_is_a_module_of_its_name() -> None:
    for verb, (module, _) in VERBS.items():
        assert module.endswith(f".{verb}")
        assert callable(import_module(module).configure)
