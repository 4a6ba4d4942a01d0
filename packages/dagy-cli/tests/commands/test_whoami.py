from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import Secret, TokenSet
from dagy_auth.testing import FakeProvider

KEYS = [
    *("user", "subject", "organisation", "organisation_id", "roles", "scopes", "verified"),
    *("token_source", "storage", "encrypted", "expires_at", "renewable", "expires_in_seconds"),
    *("server", "server_source", "profile", "profile_source"),
]


@pytest.fixture
def prod(provider: FakeProvider, config: Callable[[str], Path], stored: Any) -> Any:
    """Write a profile, and return what stores its login."""
    config(f"default_profile: prod\nprofiles: {{prod: {{api_url: '{provider.issuer}'}}}}")
    return lambda **changes: stored("prod", **changes)


def test_it_shows_all_that_there_is_to_know(
    dagy: Callable[..., Any], provider: FakeProvider, prod: Any, local_dir: Path
) -> None:
    """AUTH-19; the keys are a promise to programs."""
    prod(scopes=("flows.read", "runs.read"))
    document = json.loads(dagy("whoami", "--format", "json").out)
    assert list(document) == KEYS
    assert document.pop("expires_at").endswith("Z")
    assert 3500 < document.pop("expires_in_seconds") < 3600
    assert document == {
        "user": "user@example.com",
        "subject": "user-1",
        "organisation": None,
        "organisation_id": "org-1",
        "roles": ["developer"],
        "scopes": ["flows.read", "runs.read"],
        "verified": True,
        "token_source": "the stored login",
        "storage": str(local_dir / "credentials.json"),
        "encrypted": False,
        "renewable": True,
        "server": provider.issuer,
        "server_source": "DAGY_API_URL",
        "profile": "prod",
        "profile_source": f"default_profile in {local_dir / 'config.yaml'}",
    }


def test_people_see_the_same(
    dagy: Callable[..., Any], provider: FakeProvider, prod: Any, local_dir: Path
) -> None:
    prod()
    ended = dagy("whoami", "--profile", "prod")
    lines = dict(line.split(":", 1) for line in ended.out.splitlines())
    shown = {name: value.strip() for name, value in lines.items()}
    assert " (in 59 m " in shown.pop("Expires")
    assert shown == {
        "User": "user@example.com",
        "Organisation": "org-1",
        "Roles": "developer",
        "Scopes": "-",
        "Token from": "the stored login",
        "Storage": str(local_dir / "credentials.json"),
        "Encrypted": "no",
        "Server": f"{provider.issuer} (DAGY_API_URL)",
        "Profile": "prod (--profile)",
    }


def test_offline_asks_nobody_and_says_so(
    dagy: Callable[..., Any], provider: FakeProvider, stored: Callable[..., TokenSet]
) -> None:
    """AUTH-19"""
    stored(seconds=-5)  # which can be renewed, perhaps: only the provider knows
    ended = dagy("whoami", "--offline")
    assert ended.code == 0
    assert "User:          user@example.com (unverified)\n" in ended.out
    assert "ago; it is renewed by then)" in ended.out
    document = json.loads(dagy("whoami", "--offline", "--format", "json").out)
    assert (document["verified"], document["roles"], document["user"]) == (
        *(False, []),
        "user@example.com",
    )
    assert provider.requests == []


@pytest.mark.parametrize("words", [(), ("--offline",)])
def test_an_expired_session_is_one_line_and_its_token_is_not_sent(
    words: tuple[str, ...], dagy: Callable[..., Any], provider: FakeProvider, prod: Any
) -> None:
    """AUTH-20"""
    tokens = prod(seconds=-60, refresh_token=None)
    ended = dagy("whoami", *words)
    when = tokens.expires_at.astimezone().isoformat(" ", "seconds")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (
        f"error: The session for profile prod expired at {when}; run dagy login --profile prod\n"
    )
    assert provider.bearer_tokens == []


def test_a_session_that_cannot_be_renewed_any_more_is_the_same(
    dagy: Callable[..., Any], provider: FakeProvider, prod: Any
) -> None:
    """AUTH-20"""
    prod(seconds=-60)
    provider.revoke_all()
    ended = dagy("whoami")
    assert ended.code == 3
    assert ended.err.startswith("error: The session for profile prod expired at ")
    assert provider.bearer_tokens == []


def test_a_token_that_the_server_refuses_is_renewed_once(
    dagy: Callable[..., Any], provider: FakeProvider, prod: Any
) -> None:
    old = prod()
    provider.expire_tokens()
    assert dagy("whoami").code == 0
    assert provider.refresh_count == 1
    assert dagy("auth", "token").out != f"{old.access_token.reveal()}\n"


def test_a_session_that_the_server_has_ended_is_one_line(
    dagy: Callable[..., Any], provider: FakeProvider, prod: Any
) -> None:
    prod()
    provider.revoke_all()
    ended = dagy("whoami")
    assert ended.code == 3
    assert ended.err == (
        f"error: The session for profile prod is refused by {provider.issuer}; "
        "run dagy login --profile prod\n"
    )


def test_a_renewed_token_that_is_refused_too_is_not_tried_again(
    dagy: Callable[..., Any], provider: FakeProvider, prod: Any
) -> None:
    prod()
    provider.misbehave("/me", "unauthorized", times=9)
    ended = dagy("whoami")
    assert ended.code == 3
    assert ended.err.endswith("hint: Run: dagy login --profile prod\n")
    assert (provider.refresh_count, len(provider.requests_to("/me"))) == (1, 2)


@pytest.mark.parametrize("words", [(), ("--offline",)])
def test_a_token_of_the_environment_is_named_as_its_source(
    words: tuple[str, ...],
    dagy: Callable[..., Any],
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AUTH-07"""
    provider.gives_jwts = True
    monkeypatch.setenv("DAGY_TOKEN", provider.new_tokens().access_token.reveal())
    document = json.loads(dagy("whoami", *words, "--format", "json").out)
    assert document["token_source"] == "DAGY_TOKEN"
    assert (document["storage"], document["encrypted"], document["renewable"]) == (
        *(None, None),
        False,
    )
    assert document["user"] == "user@example.com"


def test_a_token_of_the_environment_that_is_no_good_is_not_blamed_on_the_login(
    dagy: Callable[..., Any], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_TOKEN", "unknown")
    ended = dagy("whoami")
    assert ended.code == 3
    assert ended.err.splitlines() == [
        f"error: The token from DAGY_TOKEN is refused by {provider.issuer}.",
        "hint: Give another token, or none to use the stored login.",
    ]
    monkeypatch.setenv("DAGY_TOKEN", provider.jwt({"exp": 1_000_000_000}))
    assert "error: The token from DAGY_TOKEN expired at 2001-09-" in dagy("whoami", "--offline").err
    monkeypatch.setenv("DAGY_TOKEN", "two words")
    assert dagy("whoami").code == 3


def test_an_older_token_that_has_expired_is_not_sent(
    dagy: Callable[..., Any], provider: FakeProvider, local_dir: Path
) -> None:
    """AUTH-20"""
    local_dir.mkdir(mode=0o700)
    (local_dir / "credentials").touch(mode=0o600)
    (local_dir / "credentials").write_text(provider.jwt({"exp": 1_000_000_000}))
    ended = dagy("whoami")
    assert ended.code == 3
    assert ended.err.startswith("error: The session expired at 2001-09-")
    assert ended.err.endswith("; run dagy login\n")
    assert provider.requests == []


def test_a_login_is_not_used_for_another_server(
    dagy: Callable[..., Any],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AUTH-21"""
    stored()
    with FakeProvider() as other:
        monkeypatch.setenv("DAGY_API_URL", other.issuer)
        ended = dagy("whoami")
        assert other.requests == []
    assert ended.code == 3
    assert ended.err == (
        f"error: The login 'default' is for {provider.origin}, not for {other.origin}.\n"
        "hint: Run: dagy login\n"
    )


def test_a_server_that_does_not_answer_is_named_with_the_source_of_its_url(
    dagy: Callable[..., Any], config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLI-06"""
    path = config("profiles: {prod: {api_url: 'http://127.0.0.1:9/v1'}}")
    monkeypatch.setenv("DAGY_TOKEN", "t")
    ended = dagy("whoami")
    assert (ended.code, ended.out) == (4, "")
    assert len(ended.err.splitlines()) == 2
    assert ended.err.endswith(
        f"hint: Check the network, and the URL http://127.0.0.1:9/v1 (profile 'prod' in {path}).\n"
    )


def test_a_server_that_is_no_dagy_server_is_told_with_the_source_of_its_url(
    dagy: Callable[..., Any], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_TOKEN", "t")
    provider.misbehave("/me", "html")
    ended = dagy("whoami")
    assert ended.code == 2
    assert "an HTML page" in ended.err
    assert "is from DAGY_API_URL." in ended.err


def test_a_store_that_cannot_be_read_is_exit_3(
    dagy: Callable[..., Any], stored: Callable[..., TokenSet], local_dir: Path
) -> None:
    stored(access_token=Secret("t"))
    (local_dir / "credentials.json").chmod(0o644)
    ended = dagy("whoami")
    assert ended.code == 3
    assert "chmod 600" in ended.err
