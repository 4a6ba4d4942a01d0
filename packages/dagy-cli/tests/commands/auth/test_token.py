from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from dagy_auth import TokenSet
from dagy_auth.testing import FakeProvider


def test_a_pipe_gets_the_token_and_nothing_else(
    dagy: Callable[..., Any], stored: Callable[..., TokenSet], provider: FakeProvider
) -> None:
    tokens = stored()
    ended = dagy("auth", "token")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{tokens.access_token.reveal()}\n"
    document = json.loads(dagy("auth", "token", "--format", "json").out)
    assert list(document) == ["access_token", "server", "expires_at", "renewable"]
    assert provider.requests == []


def test_a_token_that_is_due_is_renewed_before(
    dagy: Callable[..., Any], stored: Callable[..., TokenSet], provider: FakeProvider
) -> None:
    tokens = stored(seconds=-5)
    token = dagy("auth", "token").out.strip()
    assert token != tokens.access_token.reveal()
    assert provider.accepts(token)


def test_a_session_that_has_ended_gives_none(
    dagy: Callable[..., Any], stored: Callable[..., TokenSet]
) -> None:
    """AUTH-20"""
    stored(seconds=-5, refresh_token=None)
    ended = dagy("auth", "token")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("error: The session expired at ")


def test_a_terminal_gets_it_only_when_that_is_wanted(
    dagy: Callable[..., Any],
    stored: Callable[..., TokenSet],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = stored()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ended = dagy("auth", "token")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: The token would be shown on the terminal.\n")
    assert dagy("auth", "token", "--yes").out == f"{tokens.access_token.reveal()}\n"
