"""YAML: a list is one sequence, anything else one mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from dagy_cli.render.view import Surface, View

# YAML takes these for the end of a line, and PyYAML does not escape them in keys.
_LINE_ENDS = "\x85\u2028\u2029"


def chunks(view: View, surface: Surface) -> Iterator[str]:
    """Yield one YAML document, in as many chunks as there are elements."""
    is_empty = True
    for document in view.documents:
        content = [dict(document)] if view.is_list else dict(document)
        yield _dump(content, is_unicode=surface.is_unicode)
        is_empty = False
    if is_empty:
        yield "[]\n"


def _dump(content: Any, *, is_unicode: bool) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=is_unicode)
    if is_unicode and any(character in text for character in _LINE_ENDS):
        return _dump(content, is_unicode=False)
    return text
