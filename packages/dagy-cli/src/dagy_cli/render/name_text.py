"""Names alone, one on each line, as other commands take them."""

from __future__ import annotations

from collections.abc import Iterator

from dagy_cli.render.view import Surface, View


def chunks(view: View, _surface: Surface) -> Iterator[str]:
    """Yield one line for each document."""
    for document in view.documents:
        yield f"{document[view.name_field]}\n"
