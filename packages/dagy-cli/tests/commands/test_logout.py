from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import TokenSet
from dagy_auth.testing import FakeProvider

TWO = "profiles: {{prod: {{api_url: '{0}'}}, dev: {{api_url: '{0}'}}}}"


def test_after_a_logout_the_server_refuses_the_token_and_nothing_is_left(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    local_dir: Path,
) -> None:
    """AUTH-18: refresh token first, then the access token."""
    tokens = stored()
    ended = dagy("logout")
    assert (ended.code, ended.out, ended.err) == (0, "Logged out.\n", "")
    assert tokens.refresh_token is not None
    asked = [request.parameters["token"] for request in provider.requests_to("/revoke")]
    assert asked == [tokens.refresh_token.reveal(), tokens.access_token.reveal()]
    assert not provider.accepts(tokens.access_token.reveal())
    assert list(local_dir.iterdir()) == []
    assert dagy("whoami").code == 3


def test_with_a_keyring_nothing_is_left_there_either(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    keyring_entries: dict[str, str],
    local_dir: Path,
) -> None:
    """AUTH-18"""
    assert dagy("login", "--device").code == 0
    assert dagy("logout", "--require-revoke").code == 0
    assert keyring_entries == {}
    assert list(local_dir.iterdir()) == []


def test_a_key_that_the_keyring_does_not_let_go_of_is_a_warning(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    keyring_entries: dict[str, str],
) -> None:
    assert dagy("login", "--device").code == 0
    keyring_entries["broken"] = ""
    ended = dagy("logout", "--require-revoke")
    assert (ended.code, ended.out) == (0, "Logged out.\n")
    warning, hint = ended.err.splitlines()
    assert warning.startswith("warning: The tokens of 'default' are deleted, but not their key.")
    assert "it opens nothing any more" in hint
    assert dagy("whoami").code == 3


@pytest.mark.parametrize("kind", ["error_500", "drop", "html"])
def test_a_server_that_cannot_be_told_is_a_warning_that_says_when_the_token_ends(
    kind: Any,
    dagy: Callable[..., Any],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    local_dir: Path,
) -> None:
    """AUTH-18"""
    tokens = stored()
    assert tokens.expires_at is not None
    end = tokens.expires_at.astimezone().isoformat(" ", "seconds")
    provider.misbehave("/revoke", kind, times=9)
    ended = dagy("logout")
    assert (ended.code, ended.out) == (0, "Logged out.\n")
    assert ended.err.startswith(
        "warning: The token of default is deleted and not revoked; it is good until " + end
    )
    assert list(local_dir.iterdir()) == []


def test_a_slow_server_is_given_up_within_five_seconds(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    local_dir: Path,
) -> None:
    """AUTH-18"""
    stored("default")
    stored("old")
    provider.misbehave("/revoke", "slow", times=9)
    begin = time.monotonic()
    ended = dagy("logout", "--all", "--require-revoke")
    assert time.monotonic() - begin < 5.5
    assert ended.code == 4
    assert ended.out == "Logged out: default\nLogged out: old\n"
    assert ended.err.splitlines()[-2:] == [
        "error: Not every token was revoked; all are deleted here.",
        "hint: Revoke them at the provider, or wait until they expire.",
    ]
    assert list(local_dir.iterdir()) == []


def test_a_logout_needs_no_server(
    dagy: Callable[..., Any], stored: Callable[..., TokenSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored()
    monkeypatch.delenv("DAGY_API_URL")
    assert dagy("logout").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "Not logged in for profile dev.\n"), (("--all",), "Nobody is logged in.\n")],
)
def test_who_is_not_logged_in_is_told_so(
    words: tuple[str, ...],
    told: str,
    dagy: Callable[..., Any],
    config: Callable[[str], Path],
) -> None:
    config(TWO.format("https://api.example.com"))
    ended = dagy("logout", *words, "--require-revoke")
    assert (ended.code, ended.out, ended.err) == (0, told, "")
    assert dagy("logout", *words, "--format", "json").out == "[]\n"


def test_one_profile_leaves_the_other_and_all_leaves_none(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    config: Callable[[str], Path],
) -> None:
    """AUTH-22"""
    config(TWO.format(provider.issuer))
    for name in ("prod", "dev", "gone"):
        stored(name)
    assert dagy("logout", "--profile", "gone").out == "Logged out for profile gone.\n"
    assert dagy("logout", "--profile", "prod").code == 0
    assert dagy("whoami", "--profile", "dev").code == 0
    (document,) = json.loads(dagy("logout", "--all", "--format", "json").out)
    assert document == {"login": "dev", "revoked": True, "reason": None, "expires_at": None}
    assert dagy("whoami", "--profile", "dev").code == 3


def test_an_unknown_profile_is_wrong_usage(
    dagy: Callable[..., Any], stored: Callable[..., TokenSet]
) -> None:
    stored("prod")
    ended = dagy("logout", "--profile", "prd")
    assert ended.code == 2
    assert ended.err.endswith("hint: Use one of: prod.\n")
    assert dagy("logout", "--profile", "prod", "--all").code == 2


def test_the_token_of_an_older_version_goes_too(
    dagy: Callable[..., Any], provider: FakeProvider, local_dir: Path
) -> None:
    local_dir.mkdir(mode=0o700)
    older = local_dir / "credentials"
    older.touch(mode=0o600)
    older.write_text(provider.new_tokens().access_token.reveal())
    assert dagy("whoami").code == 0
    ended = dagy("logout")
    assert (ended.code, ended.out) == (0, "Logged out.\n")
    assert ended.err == (
        f"warning: The token of {older} is deleted and not revoked; it is good until it expires: "
        "It is of an older version, which has no way to revoke it.\n"
    )
    assert dagy("whoami").code == 3


def test_what_cannot_be_deleted_is_an_error(dagy: Callable[..., Any], local_dir: Path) -> None:
    local_dir.mkdir()
    file = local_dir / "credentials.json"
    file.touch(mode=0o600)
    file.write_text("damaged")
    ended = dagy("logout", "--all", "--format", "json")
    assert (ended.code, ended.out) == (3, "[]\n")
    assert ended.err.startswith(f"error: {file} is damaged")


def test_a_token_in_the_environment_cannot_be_logged_out_of(
    dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_TOKEN", "t")
    ended = dagy("logout")
    assert ended.code == 2
    assert ended.err.endswith("hint: Unset it first: unset DAGY_TOKEN\n")
