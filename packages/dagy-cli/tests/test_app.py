from __future__ import annotations

import io
import os
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dagy_cli.app import App, Options, options_of
from dagy_cli.console import Console
from dagy_store import LocalMetadataStore
from dagy_types.errors import UsageError


def _app(open_store: Any = None) -> App:
    console = Console(io.StringIO(), io.StringIO(), environ={})
    return App(options=Options(), environ=os.environ, console=console, open_store=open_store)


def test_options_left_out_have_their_defaults() -> None:
    assert options_of(Namespace()) == Options(is_verbose=False, is_quiet=False, color="auto")


def test_verbose_and_quiet_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="cannot be used together"):
        options_of(Namespace(verbose=True, quiet=True))


def test_the_store_is_opened_once_when_asked_for_and_closed_at_the_end(local_dir: Path) -> None:
    events: list[object] = []

    @contextmanager
    def open_store(directory: Path) -> Iterator[str]:
        events.append(directory)
        yield "store"
        events.append("closed")

    with _app(open_store) as app:
        assert events == []
        assert app.store == "store"
        assert app.store == "store"
    assert events == [local_dir, "closed"]


def test_the_store_is_that_of_the_local_directory(local_dir: Path) -> None:
    with _app() as app:
        assert isinstance(app.store, LocalMetadataStore)
        assert app.store.directory == local_dir


def test_a_client_is_opened_for_the_app_and_sees_what_ended_the_command() -> None:
    events: list[object] = []

    @contextmanager
    def connect(app: App) -> Iterator[str]:
        events.append(app.options.profile)
        try:
            yield "client"
        except UsageError as error:
            events.append(error.message)
            raise

    console = Console(io.StringIO(), io.StringIO(), environ={})
    app = App(options=Options(profile="prod"), environ={}, console=console, connect=connect)  # type: ignore[arg-type]
    with pytest.raises(UsageError), app:
        assert app.client() == "client"
        raise UsageError("odd")
    assert events == ["prod", "odd"]


@pytest.mark.parametrize(
    ("text", "style", "said"),
    [
        ("", "heavy_grid", ""),
        ("profiles: {dev: {table_format: simple}}", "simple", ""),
        (
            "profiles: {dev: {table_format: nice}}",
            "heavy_grid",
            "Tables look as usual: table_format cannot be 'nice'.\n",
        ),
        ("- a", "heavy_grid", "Tables look as usual: "),
    ],
)
def test_the_style_of_tables_is_that_of_the_profile(
    config: Callable[[str], Path], text: str, style: str, said: str
) -> None:
    config(text)
    stderr = io.StringIO()
    console = Console(io.StringIO(), stderr, environ={})
    app = App(options=Options(), environ=os.environ, console=console)
    assert app.table_format() == style
    assert stderr.getvalue().startswith(said)
    assert bool(stderr.getvalue()) == bool(said)
