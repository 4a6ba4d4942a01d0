"""CSV with every cell as it is, for programs that take no cell for a formula."""

from __future__ import annotations

from collections.abc import Iterator

from dagy_cli.render.csv_text import rows
from dagy_cli.render.view import Surface, View


def chunks(view: View, _surface: Surface) -> Iterator[str]:
    """Yield one row for each document; without documents there are no names either."""
    return rows(view, guard=lambda text: text)
