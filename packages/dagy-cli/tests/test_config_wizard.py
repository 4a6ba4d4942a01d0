from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_cli.app import App, Options
from dagy_cli.config_file import read_config_file
from dagy_cli.config_wizard import run_wizard
from dagy_cli.console import Console
from dagy_cli.profiles import ConfigFile
from dagy_types.errors import UsageError

Wizard = Callable[[str], str]

TWO = """\
version: 1
default_profile: dev
profiles:
  dev:
    api_url: http://localhost:8000  # mine
    client_id: ours
  prod:
    api_url: https://api.dagy.io
"""


@pytest.fixture
def wizard(monkeypatch: pytest.MonkeyPatch, terminal: Any) -> Wizard:
    """Give answers, a line each, and return what people saw."""

    def run(answers: str) -> str:
        stdin = type(terminal)(answers)
        monkeypatch.setattr("sys.stdin", stdin)
        shown = type(terminal)()
        console = Console(shown, shown, environ=os.environ)
        run_wizard(App(options=Options(), environ=os.environ, console=console))
        return str(shown.getvalue())

    return run


@pytest.fixture
def file(local_dir: Path) -> Callable[[], ConfigFile]:
    return lambda: read_config_file(local_dir)


def test_the_first_profile_is_made_and_is_the_default(
    wizard: Wizard, file: Callable[[], ConfigFile]
) -> None:
    shown = wizard("c\nprod\nhttps://api.dagy.io\n\nsimple\nq\n")
    assert "There are no profiles in" in shown
    assert "Created: prod. Next: dagy login --profile prod" in shown
    profile = file().profiles["prod"]
    assert (profile.api_url, profile.app_url) == ("https://api.dagy.io", None)
    assert profile.table_format == "simple"
    assert file().default_profile == "prod"


def test_a_profile_is_edited_and_what_people_wrote_stays(
    wizard: Wizard, file: Callable[[], ConfigFile], config: Callable[[str], Path]
) -> None:
    path = config(TWO)
    shown = wizard("e\ndev\n\n\n\n\n\n-\ntrue\nq\n")
    assert "Changed: client_id, protected" in shown
    profile = file().profiles["dev"]
    assert (profile.client_id, profile.is_protected) == (None, True)
    assert profile.last_updated is not None
    assert "http://localhost:8000  # mine" in path.read_text(encoding="utf-8")


def test_what_is_not_there_need_not_be_removed(
    wizard: Wizard, config: Callable[[str], Path]
) -> None:
    path = config(TWO)
    assert "Changed: nothing" in wizard("e\nprod\n\n-\n-\n-\n-\n-\n-\nq\n")
    assert path.read_text(encoding="utf-8") == TWO


def test_a_profile_becomes_the_default_and_another_is_deleted(
    wizard: Wizard, file: Callable[[], ConfigFile], config: Callable[[str], Path]
) -> None:
    config(TWO)
    shown = wizard("m\nprod\nd\ndev\nn\nd\ndev\ny\nq\n")
    assert "  prod  https://api.dagy.io  (default)" in shown
    assert "Deleted: dev" in shown
    assert list(file().profiles) == ["prod"]
    assert file().default_profile == "prod"


def test_the_end_of_the_input_ends_it(wizard: Wizard, config: Callable[[str], Path]) -> None:
    path = config(TWO)
    assert wizard("c\nnew\n").endswith("Nothing more is changed.\n")
    assert path.read_text(encoding="utf-8") == TWO


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("x\n\ny\n", "'x' is none of them. Type one of: c, e, d, m, q."),
        ("e\nabsent\n1\n2\n", "'absent' is none of them. Type one of: dev, prod."),
        ("c\n\ndev\n\n", "There is a profile 'dev' already. Choose another name."),
        ("c\nnew\nx\ny\nz\n", "api_url cannot be 'x'."),
    ],
)
def test_three_wrong_answers_end_it(
    wizard: Wizard, config: Callable[[str], Path], terminal: Any, answers: str, said: str
) -> None:
    path = config(TWO)
    shown: list[str] = []
    original = Console.alert

    def alert(console: Console, text: str) -> None:
        shown.append(text)
        original(console, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Console, "alert", alert)
        with pytest.raises(UsageError, match="That was no answer, 3 times over"):
            wizard(answers + "q\n" * 9)
    assert any(line.startswith(said) for line in shown)
    assert path.read_text(encoding="utf-8") == TWO
