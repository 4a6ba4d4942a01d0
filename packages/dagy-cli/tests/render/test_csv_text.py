from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from dagy_cli.render import csv_raw_text
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


_SIGNS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx"]


@pytest.mark.parametrize("text", _SIGNS)
def test_cli_14_what_spreadsheets_take_for_a_formula_is_quoted(text: str) -> None:
    assert _rows({"a": text, "b": -1, "c": ["=1"]})[1] == [f"'{text}", "-1", '["=1"]']


@pytest.mark.parametrize("text", _SIGNS)
def test_cli_14_raw_texts_are_as_they_are(text: str) -> None:
    view = View(documents=[{"a": text, "b": -1}], is_list=True, blocks=())
    raw = "".join(csv_raw_text.chunks(view, Surface()))
    assert list(csv.reader(io.StringIO(raw, newline="")))[1] == [text, "-1"]
