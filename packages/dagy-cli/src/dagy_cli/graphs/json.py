"""JSON: the flow spec as it is recorded, indented."""

from __future__ import annotations

import json

from dagy_cli.render.view import Surface
from dagy_types import FlowSpec, flow_spec_to_json


def draw(spec: FlowSpec, surface: Surface) -> str:
    """Return one JSON document, which `flow_spec_from_json` reads back."""
    document = json.loads(flow_spec_to_json(spec))
    return json.dumps(document, indent=2, ensure_ascii=not surface.is_unicode) + "\n"
