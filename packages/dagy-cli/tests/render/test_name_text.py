from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dagy_cli.render.name_text import chunks
from dagy_cli.render.view import Surface, View


def test_each_document_is_its_name() -> None:
    view = View(
        documents=[{"id": "a", "n": 1}, {"id": "b", "n": 2}],
        is_list=True,
        blocks=(),
        name_field="id",
    )
    assert list(chunks(view, Surface())) == ["a\n", "b\n"]


def test_cli_16_names_are_what_other_commands_take(
    dagy: Callable[..., Any], add_run: Callable[..., str]
) -> None:
    for run_id in ("a", "b"):
        add_run(run_id)
    assert dagy("runs", "list", "--format", "name").out == "b\na\n"
    for run_id in dagy("runs", "list", "--format", "name").out.split():
        shown = dagy("runs", "show", run_id, "--format", "json")
        assert json.loads(shown.out)["run_id"] == run_id
    ended = dagy("logs", "a", "--format", "name")
    assert ended.code == 2
    assert "Use one of: table" in ended.err
