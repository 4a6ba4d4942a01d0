from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dagy_server.execution.orders import WorkOrder, order_from_json

_ORDER = WorkOrder(
    url="http://127.0.0.1:8000",
    token="dagy_wk_very-secret",
    run_id="third",
    number=2,
    line=("third", "second", "first"),
    artifact_id="art_1",
    sha256="a" * 64,
    parameters={"day": "2026-11-01"},
    root="/srv/execution",
    lease_seconds=30,
    max_artifact_bytes=1000,
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), _JSON), st.lists(st.text(), min_size=1).map(tuple))
def test_an_order_is_read_as_it_was_written(
    parameters: dict[str, Any], line: tuple[str, ...]
) -> None:
    order = replace(_ORDER, parameters=parameters, line=line)
    assert order_from_json(order.to_json()) == order


def test_an_order_is_one_json_document() -> None:
    assert json.loads(_ORDER.to_json())["token"] == _ORDER.token


def test_secrets_are_not_shown() -> None:
    for text in (repr(_ORDER), str(_ORDER), f"{[_ORDER]}"):
        assert "secret" not in text


def test_a_run_is_where_the_first_of_its_line_is() -> None:
    root = Path("/srv/execution")
    assert _ORDER.places.root == root / "runs" / "first"
    assert _ORDER.record == str(root / "runs" / "first" / "record")
    assert _ORDER.environments == root / "environments"
    alone = replace(_ORDER, run_id="first", line=("first",))
    assert alone.places == _ORDER.places
