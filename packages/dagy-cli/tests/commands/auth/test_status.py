from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import TokenSet
from dagy_auth.testing import FakeProvider

PROFILES = "default_profile: prod\nprofiles: {prod: {}, dev: {}}"


def _states(text: str) -> dict[str, tuple[str, bool]]:
    return {each["profile"]: (each["state"], each["selected"]) for each in json.loads(text)}


def test_every_profile_and_every_stored_login_has_a_row(
    dagy: Callable[..., Any],
    stored: Callable[..., TokenSet],
    config: Callable[[str], Path],
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config(PROFILES)
    stored("prod")
    stored("old", seconds=-5, refresh_token=None)
    stored("older", seconds=None)
    monkeypatch.delenv("DAGY_API_URL")  # it is not needed
    ended = dagy("auth", "status", "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    assert _states(ended.out) == {
        "dev": ("logged_out", False),
        "old": ("expired", False),
        "older": ("unknown", False),
        "prod": ("valid", True),
    }
    assert provider.requests == []


def test_a_row_says_where_the_token_is(
    dagy: Callable[..., Any],
    stored: Callable[..., TokenSet],
    provider: FakeProvider,
    local_dir: Path,
) -> None:
    stored()
    (row,) = json.loads(dagy("auth", "status", "--format", "json").out)
    assert row.pop("expires_at").endswith("Z")
    assert row == {
        "profile": "default",
        "selected": True,
        "state": "valid",
        "source": "login",
        "origin": provider.origin,
        "storage": str(local_dir / "credentials.json"),
        "encrypted": False,
        "renewable": True,
    }
    table = dagy("auth", "status").out.splitlines()
    assert table[0].split() == ["PROFILE", "STATE", "TOKEN", "IN", "ENCRYPTED", "EXPIRES"]
    assert table[1].startswith(
        f"default *  valid  {local_dir / 'credentials.json'}  no         in 59"
    )


@pytest.mark.parametrize(
    ("words", "code"), [((), 3), (("--profile", "prod"), 0), (("--profile", "old"), 3)]
)
def test_the_exit_code_is_that_of_the_profile_in_use(
    words: tuple[str, ...],
    code: int,
    dagy: Callable[..., Any],
    stored: Callable[..., TokenSet],
    config: Callable[[str], Path],
) -> None:
    config("profiles: {dev: {}, prod: {}}")
    stored("prod")
    stored("old", seconds=-5, refresh_token=None)
    assert dagy("auth", "status", *words).code == code


def test_with_a_token_in_the_environment_no_store_is_opened(
    dagy: Callable[..., Any],
    stored: Callable[..., TokenSet],
    config: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AUTH-07"""
    config(PROFILES)
    stored("prod")
    stored("old")
    monkeypatch.setenv("DAGY_TOKEN", "t")
    rows = json.loads(dagy("auth", "status", "--format", "json").out)
    sources = {each["profile"]: (each["source"], each["state"]) for each in rows}
    assert sources == {
        "dev": (None, "logged_out"),
        "old": ("login", "unknown"),
        "prod": ("DAGY_TOKEN", "unknown"),
    }
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("DAGY_LOCAL_DIR")
    assert dagy("auth", "status").code == 0


def test_a_token_in_the_environment_that_cannot_be_read_is_told(
    dagy: Callable[..., Any], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_TOKEN_FILE", "/absent/token")
    ended = dagy("auth", "status", "--format", "json")
    assert ended.code == 3
    (row,) = json.loads(ended.out)
    assert (row["source"], row["state"]) == ("DAGY_TOKEN_FILE", "unknown")
    assert ended.err.startswith("warning: default: No token can be read from /absent/token")


def test_a_keyring_that_does_not_open_is_told(
    dagy: Callable[..., Any], provider: FakeProvider, keyring_entries: dict[str, str]
) -> None:
    assert dagy("login", "--device").code == 0
    assert _states(dagy("auth", "status", "--format", "json").out)["default"][0] == "valid"
    keyring_entries.clear()
    ended = dagy("auth", "status", "--format", "json")
    assert ended.code == 3
    assert _states(ended.out) == {"default": ("unknown", True)}
    assert ended.err.splitlines()[1] == "hint: Log in again."


def test_without_a_home_it_is_told(
    dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("DAGY_LOCAL_DIR")
    assert dagy("auth", "status").code == 2


def test_the_token_of_an_older_version_is_a_login(
    dagy: Callable[..., Any], provider: FakeProvider, local_dir: Path
) -> None:
    local_dir.mkdir(mode=0o700)
    (local_dir / "credentials").touch(mode=0o600)
    (local_dir / "credentials").write_text(provider.jwt({"exp": 1_000_000_000}))
    ended = dagy("auth", "status", "--format", "json")
    (row,) = json.loads(ended.out)
    assert (ended.code, row["state"]) == (3, "expired")
    assert row["source"].endswith("credentials, of an older version")
