"""YAML: a list is one sequence, anything else one mapping."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from dagy_cli.render.view import Surface, View


def chunks(view: View, surface: Surface) -> Iterator[str]:
    """Yield one YAML document, in as many chunks as there are elements."""
    is_empty = True
    for document in view.documents:
        content = [dict(document)] if view.is_list else dict(document)
        yield yaml.safe_dump(content, sort_keys=False, allow_unicode=surface.is_unicode)
        is_empty = False
    if is_empty:
        yield "[]\n"
