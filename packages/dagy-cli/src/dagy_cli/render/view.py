"""What a command shows: documents for programs, and the same as blocks for people.

Named tuples, not dataclasses: every start makes these classes, in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

DEFAULT_TABLE_FORMAT = "heavy_grid"


class Cell(NamedTuple):
    """A piece of text for people.

    Attributes:
        text: As it is recorded; control characters are escaped when it is shown.
        color: Number of the terminal's style, as in ESC [ 32 m.
        moment: The time that the text is, in the zone of this machine.
        timespec: How precise the text is, as `datetime.isoformat` takes it.
    """

    text: str
    color: int | None = None
    moment: datetime | None = None
    timespec: str = "seconds"


class Column(NamedTuple):
    """A column of a table; a flexible one is shortened where the terminal is narrow."""

    title: str
    is_flexible: bool = False


class Table(NamedTuple):
    """Rows under titles; without rows, nothing is shown."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]


class Fields(NamedTuple):
    """Names and values, one pair on a line."""

    pairs: Sequence[tuple[str, Cell]]


class Lines(NamedTuple):
    """Cells side by side; the further lines of a text with newlines are indented."""

    lines: Iterable[Sequence[Cell]]


class View(NamedTuple):
    """One answer; of ``documents`` and ``blocks`` only one is consumed.

    Attributes:
        is_list: Whether the documents are a list of any length; else there is exactly one.
        is_live: Whether documents arrive while they are shown.
        name_field: The field of a document that other commands know the thing by.
    """

    documents: Iterable[Mapping[str, Any]]
    is_list: bool
    blocks: Sequence[Table | Fields | Lines]
    is_live: bool = False
    name_field: str = ""


class Verbatim(NamedTuple):
    """An answer that is one text already, in the format that was asked for."""

    text: str


class Surface(NamedTuple):
    """What a stream can show.

    Attributes:
        width: In columns; ``None`` when it is no terminal.
        is_unicode: Whether it takes more than ASCII.
        is_utc: Whether times are shown in UTC, not in the zone of this machine.
        table_format: The style of tables on a terminal, as tabulate knows it.
    """

    width: int | None = None
    has_color: bool = False
    is_unicode: bool = True
    is_utc: bool = False
    table_format: str = DEFAULT_TABLE_FORMAT
