from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_cli.config_keys import KEYS

Dagy = Callable[..., Any]

COMMENTED = """\
# Ours; ask Ada before you change it.
version: 1
default_profile: prod   # the real one
later: {a: b}
profiles:
  prod:
    api_url: "https://api.dagy.io"  # public
    added_by_a_later_version: [1, 2]

  dev:
    api_url: http://localhost:8000
"""


def test_cli_23_a_profile_is_made_changed_read_and_removed(dagy: Dagy, local_dir: Path) -> None:
    set_ = dagy("config", "set", "api_url", "https://api.dagy.io", "--profile", "prod")
    assert (set_.code, set_.out) == (0, "https://api.dagy.io\n")
    assert dagy("config", "set", "protected", "TRUE").out == "true\n"
    assert dagy("config", "get", "protected").out == "true\n"
    assert dagy("config", "set", "default_profile", "prod").code == 0
    assert dagy("config", "get", "default_profile").out == "prod\n"
    [profile] = json.loads(dagy("config", "list", "--format", "json").out)
    assert profile["last_updated"].endswith("Z")
    expected = dict.fromkeys(KEYS) | {"api_url": "https://api.dagy.io", "protected": True}
    assert profile == {
        "name": "prod",
        "default": True,
        "last_updated": profile["last_updated"],
        **expected,
    }
    assert dagy("config", "unset", "protected").code == 0
    assert dagy("config", "get", "protected").out == "false\n"
    assert dagy("config", "unset", "default_profile").code == 0
    assert dagy("config", "get", "default_profile").code == 5
    again = dagy("config", "unset", "default_profile")
    assert (again.code, again.out) == (5, "")
    assert again.err.splitlines()[0] == "error: No default_profile is set."
    assert dagy("config", "delete", "prod").code == 0
    assert dagy("config", "list").out == ""
    assert {path.name for path in local_dir.iterdir()} == {"config.yaml", "config.lock"}


def test_comments_quotes_and_what_is_unknown_stay(
    dagy: Dagy, config: Callable[[str], Path]
) -> None:
    path = config(COMMENTED)
    path.chmod(0o640)
    assert dagy("config", "set", "table_format", "simple", "--profile", "prod").code == 0
    changed = path.read_text(encoding="utf-8")
    kept = [line for line in changed.splitlines() if "table_f" not in line and "last_" not in line]
    assert kept == COMMENTED.splitlines()
    assert "    table_format: simple\n" in changed
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_of_comments_alone_keeps_them(dagy: Dagy, config: Callable[[str], Path]) -> None:
    path = config("# nothing yet\n")
    assert dagy("config", "set", "api_url", "http://localhost:8000").code == 0
    assert path.read_text(encoding="utf-8").startswith("# nothing yet\nversion: 1\n")
    assert dagy("config", "get", "api_url", "--profile", "default").out == "http://localhost:8000\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("set", "api_url", "api.dagy.io"), 2, "api_url cannot be 'api.dagy.io'."),
        (("set", "api_url", "http://[1"), 2, "api_url cannot be 'http://[1'."),
        (("set", "api_url", "https://a:b@dagy.io"), 2, "api_url cannot be"),
        (("set", "auth_storage", "cloud"), 2, "auth_storage cannot be 'cloud'."),
        (("set", "table_format", "nice"), 2, "table_format cannot be 'nice'."),
        (("set", "protected", "yes"), 2, "protected cannot be 'yes'."),
        (("set", "client_id", " "), 2, "client_id cannot be ' '."),
        (("set", "colour", "red"), 2, "Unknown key: 'colour'."),
        (("set", "default_profile", "absent"), 5, "There is no profile 'absent'."),
        (("unset", "issuer"), 5, "Profile 'prod' has no issuer."),
        (("unset", "issuer", "--profile", "absent"), 5, "There is no profile 'absent'."),
        (("get", "issuer"), 5, "says no issuer for profile 'prod'."),
        (("delete", "absent"), 5, "There is no profile 'absent'."),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    dagy: Dagy, config: Callable[[str], Path], words: tuple[str, ...], code: int, message: str
) -> None:
    path = config(COMMENTED)
    ended = dagy("config", *words)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert len(ended.err.splitlines()) <= 3
    assert path.read_text(encoding="utf-8") == COMMENTED


@pytest.mark.parametrize("text", ["profiles: [", "- a\n", "version: 9\n"])
def test_a_file_that_cannot_be_used_is_not_touched(
    dagy: Dagy, config: Callable[[str], Path], text: str
) -> None:
    path = config(text)
    assert dagy("config", "set", "api_url", "http://localhost:8000").code == 2
    assert path.read_text(encoding="utf-8") == text


def test_a_directory_that_cannot_be_written_is_explained(
    dagy: Dagy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DAGY_LOCAL_DIR", str(tmp_path / "file" / "below"))
    ended = dagy("config", "set", "api_url", "http://localhost:8000")
    assert ended.code == 2
    assert "cannot be written" in ended.err


def test_the_default_profile_goes_with_its_profile(
    dagy: Dagy, config: Callable[[str], Path]
) -> None:
    config(COMMENTED)
    assert dagy("config", "delete", "prod").err == (
        "If there is a login for it: dagy logout --profile prod\n"
    )
    assert dagy("config", "list", "--format", "name").out == "dev\n"
    assert dagy("config", "get", "default_profile").code == 5


def test_two_writers_at_once_both_count(
    process: Callable[..., Any], dagy: Dagy, spawn: Callable[..., Any], command_line: Dagy
) -> None:
    started = [
        spawn(command_line("config", "set", "api_url", "http://x:1", "--profile", f"p{number}"))
        for number in range(6)
    ]
    assert [each.wait() for each in started] == [0] * 6
    assert dagy("config", "list", "--format", "name").out.split() == [f"p{n}" for n in range(6)]


def test_the_path_is_told(dagy: Dagy, local_dir: Path) -> None:
    assert dagy("config", "path").out == f"{local_dir}/config.yaml\n"
    shown = json.loads(dagy("config", "path", "--format", "json").out)
    assert shown == {"path": f"{local_dir}/config.yaml", "exists": False}


def test_cli_11_without_a_terminal_nothing_is_asked(dagy: Dagy) -> None:
    ended = dagy("config")
    assert ended.code == 2
    assert ended.err == (
        "error: dagy config asks questions, and nobody can answer here.\n"
        "hint: Run: dagy config list, or dagy config set KEY VALUE --profile NAME\n"
    )
