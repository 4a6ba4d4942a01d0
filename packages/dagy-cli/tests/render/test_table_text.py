from __future__ import annotations

import pytest

from dagy_cli.render.table_text import chunks
from dagy_cli.render.view import Cell, Column, Fields, Lines, Surface, Table, View

TABLE = Table(
    (Column("TASK"), Column("STATUS"), Column("ATTEMPT"), Column("ERROR", is_flexible=True)),
    [
        (Cell("load"), Cell("SUCCEEDED", 32), Cell("1"), Cell("")),
        (Cell("report\x1b[2J"), Cell("FAILED", 31), Cell("1"), Cell("x" * 100)),
    ],
)


def _text(block: Table | Fields | Lines, surface: Surface | None = None) -> str:
    view = View(documents=(), is_list=True, blocks=(block,))
    return "".join(chunks(view, surface or Surface()))


def test_a_piped_table_has_no_borders_and_is_whole() -> None:
    assert _text(TABLE).splitlines() == [
        "TASK           STATUS     ATTEMPT  ERROR",
        "load           SUCCEEDED  1",
        "report\\x1b[2J  FAILED     1        " + "x" * 100,
    ]


def test_a_terminal_gets_a_grid_that_fits_it() -> None:
    lines = _text(TABLE, Surface(width=60)).splitlines()
    assert lines[0].startswith("┏━")
    assert {len(line) for line in lines} == {60}
    assert any("report\\x1b[2J" in line and "x…" in line for line in lines)


def test_no_column_becomes_too_narrow_to_read() -> None:
    lines = _text(TABLE, Surface(width=10)).splitlines()
    assert any("x" * 11 + "…" in line for line in lines)


def test_a_wide_terminal_cuts_nothing() -> None:
    assert "x" * 100 in _text(TABLE, Surface(width=200))


def test_a_terminal_without_unicode_gets_ascii() -> None:
    assert _text(TABLE, Surface(width=60, is_unicode=False)).isascii()


@pytest.mark.parametrize("is_unicode", [True, False])
def test_the_style_is_that_of_the_profile(is_unicode: bool) -> None:
    lines = _text(TABLE, Surface(width=60, is_unicode=is_unicode, table_format="simple"))
    assert lines.splitlines()[0].split() == ["TASK", "STATUS", "ATTEMPT", "ERROR"]


@pytest.mark.parametrize("width", [None, 60])
def test_colours_are_shown_only_where_they_may_be(width: int | None) -> None:
    assert "\x1b" not in _text(TABLE, Surface(width=width))
    assert "\x1b[31mFAILED\x1b[0m" in _text(TABLE, Surface(width=width, has_color=True))


def test_colours_do_not_move_the_columns() -> None:
    coloured = _text(TABLE, Surface(has_color=True))
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == _text(TABLE)


def test_a_table_without_rows_is_nothing() -> None:
    assert _text(Table((Column("RUN"),), [])) == ""


def test_fields_are_aligned() -> None:
    fields = Fields([("Run", Cell("r1")), ("Status", Cell("FAILED", 31))])
    assert _text(fields) == "Run:     r1\nStatus:  FAILED\n"


def test_further_lines_of_a_text_are_indented() -> None:
    lines = Lines([(Cell("INFO"), Cell("first\nsecond\tcolumn\r"))])
    assert _text(lines) == "INFO first\n    second\tcolumn\\r\n"
