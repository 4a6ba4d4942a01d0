from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dagy_cli.render.view import Surface, View
from dagy_cli.render.yaml_text import chunks

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["no", "1e3", "2024-01-01", "~", "null", "0x1f", "- a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _text(*documents: dict[str, Any], is_list: bool = True, is_unicode: bool = True) -> str:
    view = View(documents=documents, is_list=is_list, blocks=())
    return "".join(chunks(view, Surface(is_unicode=is_unicode)))


@given(st.lists(st.fixed_dictionaries({"b": _VALUES, "a": _VALUES}), max_size=3), st.booleans())
def test_a_list_reads_back_equal(documents: list[dict[str, Any]], is_unicode: bool) -> None:
    assert yaml.safe_load(_text(*documents, is_unicode=is_unicode)) == documents


@pytest.mark.parametrize("line_end", ["\x85", "\u2028", "\u2029"])
def test_rare_line_ends_in_keys_read_back_too(line_end: str) -> None:
    document = {"a": {line_end: None}, "name": "naïve-流"}
    assert yaml.safe_load(_text(document, is_list=False)) == document


def test_one_document_is_one_mapping_in_its_own_order() -> None:
    assert _text({"b": 1, "a": "no"}, is_list=False) == "b: 1\na: 'no'\n"


@pytest.mark.parametrize("is_unicode", [True, False])
def test_an_empty_list_is_still_a_document(is_unicode: bool) -> None:
    assert _text(is_unicode=is_unicode) == "[]\n"
