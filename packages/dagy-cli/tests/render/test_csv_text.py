from __future__ import annotations

import csv
import io
from typing import Any

from dagy_cli.render.csv_text import chunks
from dagy_cli.render.view import Surface, View


def _rows(*documents: dict[str, Any]) -> list[list[str]]:
    text = "".join(chunks(View(documents=documents, is_list=True, blocks=()), Surface()))
    return list(csv.reader(io.StringIO(text, newline="")))


def test_names_come_first_then_a_row_for_each_document() -> None:
    first = {"name": 'a "b",\r\nc', "n": 1, "seconds": 0.5, "none": None, "flag": True}
    second = {"name": "流", "n": 2, "seconds": 1.0, "none": None, "flag": False}
    assert _rows(first, second) == [
        ["name", "n", "seconds", "none", "flag"],
        ['a "b",\r\nc', "1", "0.5", "", "true"],
        ["流", "2", "1.0", "", "false"],
    ]


def test_nested_values_are_json() -> None:
    assert _rows({"a": {"x": [1, None]}, "b": ["流"]})[1] == ['{"x": [1, null]}', '["流"]']


def test_nothing_to_show_is_no_text() -> None:
    assert _rows() == []
