"""Text for people: a grid on a terminal, plain columns in full when piped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagy_cli.render.cells import line_text, painted, shortened, shown_text
from dagy_cli.render.view import Column, Fields, Surface, Table, View

_NARROWEST = 12


def chunks(view: View, surface: Surface) -> Iterator[str]:
    """Yield the view's blocks, one after the other."""
    for block in view.blocks:
        if isinstance(block, Table):
            yield from _table(block, surface)
        elif isinstance(block, Fields):
            yield from _fields(block, surface)
        else:
            for cells in block.lines:
                yield line_text(tuple(cells), surface)


def _table(table: Table, surface: Surface) -> Iterator[str]:
    if not table.rows:
        return
    texts = [[shown_text(cell, surface) for cell in row] for row in table.rows]
    if surface.width is None:
        yield from _plain(table, texts, surface)
    else:
        yield _grid(table, texts, surface)


def _plain(table: Table, texts: list[list[str]], surface: Surface) -> Iterator[str]:
    titles = [column.title for column in table.columns]
    widths = _widths([titles, *texts])
    yield _plain_line(titles, titles, widths)
    for row, cells in zip(texts, table.rows, strict=True):
        shown = [painted(text, cell, surface) for text, cell in zip(row, cells, strict=True)]
        yield _plain_line(row, shown, widths)


def _plain_line(texts: Sequence[str], shown: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        coloured + " " * (width - len(text))
        for text, coloured, width in zip(texts, shown, widths, strict=True)
    )
    return "  ".join(padded).rstrip() + "\n"


def _grid(table: Table, texts: list[list[str]], surface: Surface) -> str:
    from tabulate import tabulate

    titles = [column.title for column in table.columns]
    padded_titles = [f"{title}  " for title in titles]  # as tabulate does
    limits = _limits(table.columns, _widths([padded_titles, *texts]), surface.width or 0)
    rows = [
        [
            painted(shortened(text, limit, surface), cell, surface)
            for text, cell, limit in zip(row, cells, limits, strict=True)
        ]
        for row, cells in zip(texts, table.rows, strict=True)
    ]
    return tabulate(rows, headers=titles, tablefmt=_style(surface), disable_numparse=True) + "\n"


def _style(surface: Surface) -> str:
    if surface.is_unicode:
        return surface.table_format
    from tabulate import tabulate

    example = tabulate([["x"]], headers=["x"], tablefmt=surface.table_format)
    return surface.table_format if example.isascii() else "grid"


def _limits(columns: Sequence[Column], widths: Sequence[int], available: int) -> list[int]:
    # Borders and padding take three characters for each column and one more.
    excess = sum(widths) + 3 * len(widths) + 1 - available
    limits = list(widths)
    for index, column in enumerate(columns):
        if column.is_flexible and excess > 0:
            limits[index] = max(widths[index] - excess, min(widths[index], _NARROWEST))
            excess -= widths[index] - limits[index]
    return limits


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _fields(fields: Fields, surface: Surface) -> Iterator[str]:
    width = max(len(name) for name, _ in fields.pairs) + 1
    for name, cell in fields.pairs:
        yield f"{name + ':':<{width}}  {painted(shown_text(cell, surface), cell, surface)}\n"
