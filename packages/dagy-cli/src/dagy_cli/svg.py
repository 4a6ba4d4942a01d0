"""Pictures as SVG: documents that need nothing from elsewhere, and texts that are safe in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from html import escape

from dagy_cli.escaping import visible

FONT_SIZE = 13
CHARACTER_WIDTH = 7.9
"""Of the widest of the usual fonts of fixed width, in pixels."""

_FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def svg_document(
    body: Iterable[str], *, width: float, height: float, title: str, style: str
) -> str:
    """Return a picture of this size in pixels, on white.

    Args:
        body: Elements, one on a line.
        title: What the picture shows, for those who cannot see it and for window titles.
        style: Further rules of its style sheet.
    """
    size = f'width="{number(width)}" height="{number(height)}"'
    box = f'viewBox="0 0 {number(width)} {number(height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img">',
        f"<title>{svg_text(title)}</title>",
        f"<style>text {{ font: {FONT_SIZE}px {_FONT}; fill: #1f2933; }} {style}</style>",
        f'<rect {size} fill="#ffffff"/>',
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def svg_text(text: str) -> str:
    """Return text as the content of an element or of an attribute in double quotes.

    Control characters are shown as escapes, and what is not ASCII is a reference, so the document
    is well formed in whatever encoding it is written.
    """
    shown = visible(text).replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")
    return escape(shown).encode("ascii", "xmlcharrefreplace").decode("ascii")


def text_width(text: str) -> float:
    """Return the width in pixels of a text once it is made visible."""
    columns = sum(
        2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in visible(text)
    )
    return columns * CHARACTER_WIDTH


def number(value: float) -> str:
    """Return a coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")
