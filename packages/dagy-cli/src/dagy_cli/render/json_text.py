"""JSON: a list is one array with a line for each element, anything else one object."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dagy_cli.render.view import Surface, View


def chunks(view: View, surface: Surface) -> Iterator[str]:
    """Yield one JSON document, in as many chunks as there are elements."""
    if not view.is_list:
        for document in view.documents:
            yield json.dumps(document, indent=2, ensure_ascii=not surface.is_unicode) + "\n"
        return
    # The bracket waits for the first element: a reader that fails at once leaves stdout empty.
    before = "[\n"
    for document in view.documents:
        yield before + json.dumps(document, ensure_ascii=not surface.is_unicode)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
