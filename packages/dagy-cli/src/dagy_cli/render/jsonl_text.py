"""JSON Lines: one document on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dagy_cli.render.view import Surface, View


def chunks(view: View, surface: Surface) -> Iterator[str]:
    """Yield one line for each document."""
    for document in view.documents:
        yield json.dumps(document, ensure_ascii=not surface.is_unicode) + "\n"
