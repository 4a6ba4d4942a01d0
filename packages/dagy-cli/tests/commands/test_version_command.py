from __future__ import annotations

import json
import platform
import sqlite3
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest


def test_the_versions_of_everything_are_shown(dagy: Callable[..., Any]) -> None:
    shown = json.loads(dagy("version", "--format", "json").out)
    assert shown["packages"]["dagy-cli"] == version("dagy-cli")
    assert shown["python"] == platform.python_version()
    assert shown["sqlite"] == sqlite3.sqlite_version


def test_what_is_not_installed_is_said(
    dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(name: str) -> str:
        if name == "dagy-server":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr("dagy_cli.installation.version", lookup)
    assert json.loads(dagy("version", "--format", "json").out)["packages"]["dagy-server"] is None
    assert "dagy-server:  not installed" in dagy("version").out
