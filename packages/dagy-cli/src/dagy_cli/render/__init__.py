"""Answers as text: one module per format, each a pure function from a view to chunks of text."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TextIO

from dagy_cli.console import Console
from dagy_cli.render.view import DEFAULT_TABLE_FORMAT, Surface, Verbatim, View

__all__ = ["render", "surface_of"]

_MODULES: Mapping[str, str] = {
    "table": "dagy_cli.render.table_text",
    "json": "dagy_cli.render.json_text",
    "jsonl": "dagy_cli.render.jsonl_text",
    "yaml": "dagy_cli.render.yaml_text",
    "csv": "dagy_cli.render.csv_text",
    "csv-raw": "dagy_cli.render.csv_raw_text",
    "name": "dagy_cli.render.name_text",
}


def render(view: View | Verbatim, output_format: str, console: Console) -> None:
    """Write a view to stdout in one of the formats of `dagy_cli.parser.FORMATS`.

    Raises:
        OutputError: When stdout cannot be written.
    """
    if isinstance(view, Verbatim):
        console.deliver([view.text])
        return
    chunks = import_module(_MODULES[output_format]).chunks(
        view, surface_of(console, console.stdout)
    )
    console.deliver(chunks, is_live=view.is_live)


def surface_of(console: Console, stream: TextIO) -> Surface:
    """Return what one of the console's streams can show."""
    return Surface(
        width=console.columns if stream.isatty() else None,
        has_color=console.allows_escapes(stream),
        is_unicode=(stream.encoding or "").lower().replace("-", "") == "utf8",
        is_utc=console.uses_utc,
        table_format=console.table_format or DEFAULT_TABLE_FORMAT,
    )
