from __future__ import annotations

import io

import pytest

from dagy_cli.console import Console
from dagy_cli.parser import FORMATS
from dagy_cli.render import render, surface_of
from dagy_cli.render.view import Cell, Lines, Verbatim, View


@pytest.mark.parametrize("output_format", FORMATS)
def test_every_format_that_can_be_asked_for_is_there(output_format: str) -> None:
    stdout = io.StringIO()
    view = View(documents=[{"name": "x1"}], is_list=True, blocks=[Lines([[Cell("x1")]])])
    render(view, output_format, Console(stdout, io.StringIO(), environ={}))
    assert "x1" in stdout.getvalue()


def test_a_pipe_has_no_width_and_no_colours() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    surface = surface_of(Console(stream, stream, environ={}), stream)
    assert (surface.width, surface.has_color, surface.is_unicode) == (None, False, False)


def test_a_terminal_has_both(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    surface = surface_of(Console(terminal, terminal, environ={}), terminal)
    assert (surface.width, surface.has_color, surface.is_unicode) == (77, True, True)


def test_a_text_that_is_done_is_delivered_as_it_is() -> None:
    stdout = io.StringIO()
    render(Verbatim("<svg>\n"), "svg", Console(stdout, io.StringIO(), environ={}))
    assert stdout.getvalue() == "<svg>\n"
