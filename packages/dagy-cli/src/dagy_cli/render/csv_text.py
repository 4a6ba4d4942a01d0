"""CSV: a row for each document under a row of names; nested values as JSON text.

Spreadsheets execute what looks like a formula, wherever it comes from (CWE-1236), so such a text
gets a quote before it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dagy_cli.render.view import Surface, View

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def chunks(view: View, _surface: Surface) -> Iterator[str]:
    """Yield one row for each document; without documents there are no names either."""
    return rows(view, guard=_guarded)


def rows(view: View, *, guard: Callable[[str], str]) -> Iterator[str]:
    """Yield a row of names, and one for each document.

    Args:
        guard: Returns what stands for a text.
    """
    is_first = True
    for document in view.documents:
        if is_first:
            yield _row(document.keys())
            is_first = False
        yield _row(_cell(value, guard) for value in document.values())


def _row(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: Any, guard: Callable[[str], str]) -> Any:
    if isinstance(value, (dict, list, bool)):
        return json.dumps(value, ensure_ascii=False)
    return guard(value) if isinstance(value, str) else value


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text
