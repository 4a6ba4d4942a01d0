from __future__ import annotations

import json

from dagy_cli.graphs.json import draw
from dagy_cli.render.view import Surface
from dagy_types import FlowSpec, flow_spec_from_json


def test_the_document_reads_back_as_the_same_spec(spec: FlowSpec) -> None:
    text = draw(spec, Surface())
    assert flow_spec_from_json(text) == spec
    assert text.startswith('{\n  "name": "daily",\n')
    assert "流" in text


def test_where_only_ascii_goes_it_is_ascii(spec: FlowSpec) -> None:
    text = draw(spec, Surface(is_unicode=False))
    assert text.isascii()
    assert flow_spec_from_json(text) == spec


def test_the_document_tells_what_is_mapped_code_and_tags(mapped_spec: FlowSpec) -> None:
    load, step = json.loads(draw(mapped_spec, Surface()))["tasks"]
    assert (load["is_mapped"], load["code_hash"], load["tags"]) == (False, "ab12", {"team": "x"})
    assert step["is_mapped"] is True
