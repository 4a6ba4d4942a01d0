from __future__ import annotations

import io
from typing import Any

from dagy_cli.console import Console
from dagy_cli.upload_progress import upload_progress


def _console(stderr: Any, **settings: Any) -> Console:
    return Console(io.StringIO(), stderr, environ={}, **settings)


def test_a_terminal_shows_one_line_that_is_gone_at_the_end(terminal: Any) -> None:
    with upload_progress(_console(terminal), "daily.zip") as on_progress:
        assert on_progress is not None
        on_progress(1024, 4096)
        assert terminal.getvalue() == "\r\x1b[2KUploading daily.zip: 25 % of 4.0 KiB"
        on_progress(0, 0)
        assert terminal.getvalue().endswith("100 % of 0 bytes")
    assert terminal.getvalue().endswith("\r\x1b[2K")


def test_where_nobody_looks_there_is_nothing(terminal: Any) -> None:
    with upload_progress(_console(io.StringIO()), "a") as on_progress:
        assert on_progress is None
    with upload_progress(_console(terminal, is_quiet=True), "a") as on_progress:
        assert on_progress is None
    assert terminal.getvalue() == ""
