"""CSV: a row for each document under a row of names; nested values as JSON text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from dagy_cli.render.view import Surface, View


def chunks(view: View, _surface: Surface) -> Iterator[str]:
    """Yield one row for each document; without documents there are no names either."""
    is_first = True
    for document in view.documents:
        if is_first:
            yield _row(document.keys())
            is_first = False
        yield _row(_cell(value) for value in document.values())


def _row(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list, bool)):
        return json.dumps(value, ensure_ascii=False)
    return value
