from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dagy_cli.render.json_text import chunks
from dagy_cli.render.view import Surface, View


def _text(*documents: dict[str, Any], is_list: bool = True, is_unicode: bool = True) -> str:
    view = View(documents=documents, is_list=is_list, blocks=())
    return "".join(chunks(view, Surface(is_unicode=is_unicode)))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_of_any_length_is_one_array(count: int) -> None:
    documents = [{"n": n, "text": "a\x1b\n"} for n in range(count)]
    assert json.loads(_text(*documents)) == documents


def test_each_element_has_a_line() -> None:
    assert _text({"n": 1}, {"n": 2}) == '[\n{"n": 1},\n{"n": 2}\n]\n'


def test_one_document_is_one_indented_object() -> None:
    assert _text({"n": 1}, is_list=False) == '{\n  "n": 1\n}\n'


def test_ascii_streams_get_escapes_that_json_reads_back() -> None:
    document = {"name": "naïve-流"}
    assert "naïve-流" in _text(document)
    text = _text(document, is_unicode=False)
    assert text.isascii()
    assert json.loads(text) == [document]


def test_a_reader_that_fails_at_once_leaves_nothing_behind() -> None:
    def documents() -> Iterator[dict[str, Any]]:
        raise LookupError
        yield {}

    view = View(documents=documents(), is_list=True, blocks=())
    with pytest.raises(LookupError):
        next(chunks(view, Surface()))
