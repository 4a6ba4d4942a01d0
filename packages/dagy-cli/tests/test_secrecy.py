"""AUTH-06: whatever goes wrong, no secret is seen outside the store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import TokenSet
from dagy_auth.testing import FakeProvider

KINDS = ("html", "error_500", "unauthorized", "echo", "drop", "truncated", "cut_off")
PATHS = {
    ("login", "--device"): ("oauth", "/device_authorization", "/token", "/me"),
    ("login",): ("/authorize", "/token", "/me"),
    ("login", "--with-token"): ("/me",),
    ("whoami",): ("/me", "/token"),
    ("auth", "token"): ("/token",),
    ("logout",): ("/revoke",),
}
FAULTS = [
    (words, path.replace("oauth", "/.well-known/oauth-authorization-server"), kind)
    for words, paths in PATHS.items()
    for path in paths
    for kind in KINDS
    if path != "/authorize" or kind == "echo"  # the rest happens in the browser
]


@pytest.fixture
def seen(
    dagy: Callable[..., Any], local_dir: Path, caplog: pytest.LogCaptureFixture
) -> Callable[..., str]:
    """Run a command, and return all that anybody can see of it outside the store."""

    def run(*words: str) -> str:
        caplog.set_level(logging.DEBUG)
        ended = dagy(*words, "--debug")
        assert ended.code in (0, 1, 2, 3, 4)
        files = [path for path in local_dir.rglob("*") if path.name != "credentials.json"]
        texts = [path.read_text() for path in files if path.is_file()]
        # The token is what `auth token` is asked for.
        out = "" if words == ("auth", "token") and ended.code == 0 else ended.out
        return "\n".join([out, ended.err, caplog.text, *texts])

    return run


def _exposed(provider: FakeProvider, text: str) -> list[str]:
    # The state is in the URL that people open, and of no use to anybody without the browser.
    shown = {each.parameters.get("state") for each in provider.requests_to("/authorize")}
    return [secret for secret in provider.secrets if secret in text and secret not in shown]


@pytest.mark.parametrize(("words", "path", "kind"), FAULTS)
def test_no_fault_of_the_provider_shows_a_secret(
    words: tuple[str, ...],
    path: str,
    kind: Any,
    seen: Callable[..., str],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    give_stdin: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if words == ("login",):
        monkeypatch.setenv("BROWSER", "ours")
        monkeypatch.setattr("webbrowser.open", provider.browser)
    tokens = stored(seconds=-5 if path == "/token" else 3600)
    give_stdin(tokens.access_token.reveal())
    if path == "/authorize":
        provider.callback_changes = {"error": "server_error", "error_description": "it broke"}
    else:
        provider.misbehave(path, kind, times=3)
    assert _exposed(provider, seen(*words)) == []
    assert len(provider.secrets) >= 2


@pytest.mark.parametrize("words", [("login", "--device"), ("whoami",), ("auth", "status")])
def test_a_login_that_goes_well_shows_none_either(
    words: tuple[str, ...],
    seen: Callable[..., str],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
) -> None:
    stored()
    assert _exposed(provider, seen(*words)) == []


def test_an_unexpected_error_in_the_middle_shows_none(
    seen: Callable[..., str],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    local_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("dagy_cli.commands.whoami.whoami_view", fail)
    assert _exposed(provider, seen("whoami")) == []
    assert list((local_dir / "reports").iterdir())


def test_a_token_of_the_environment_is_not_shown(
    seen: Callable[..., str], provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("canary-4711", "canary 4711", "canary-4711\n\n"):
        monkeypatch.setenv("DAGY_TOKEN", token)
        for words in (("whoami",), ("auth", "status"), ("login",), ("logout",)):
            assert "4711" not in seen(*words)


def test_a_damaged_store_is_not_shown(
    seen: Callable[..., str],
    provider: FakeProvider,
    stored: Callable[..., TokenSet],
    local_dir: Path,
) -> None:
    stored()
    file = local_dir / "credentials.json"
    file.write_text(file.read_text()[:-20])
    for words in (("whoami",), ("auth", "status"), ("auth", "token"), ("logout",), ("login",)):
        assert _exposed(provider, seen(*words)) == []
