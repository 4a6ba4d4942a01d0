"""Figures in columns."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def shown_cost(microseconds: float) -> str:
    """Return a cost with as many places as mean something."""
    return f"{microseconds:,.0f}" if microseconds >= 100 else f"{microseconds:.1f}"


def shown_ratio(ratio: float) -> str:
    """Return how many times one figure is another."""
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.2f}x"
