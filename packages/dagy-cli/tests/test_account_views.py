from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dagy_auth import Secret, TokenSet
from dagy_cli.account_views import state_of, whoami_view
from dagy_cli.profiles import Setting
from dagy_cli.render.view import Fields

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def _tokens(*, seconds: float | None, **changes: Any) -> TokenSet:
    return TokenSet(
        access_token=Secret("a"),
        origin="https://api.example.com:443",
        expires_at=None if seconds is None else NOW + timedelta(seconds=seconds),
        **changes,
    )


@pytest.mark.parametrize(
    ("tokens", "state"),
    [
        (None, "unknown"),
        (_tokens(seconds=None), "unknown"),
        (_tokens(seconds=1), "valid"),
        (_tokens(seconds=0), "expired"),
        (_tokens(seconds=0, refresh_token=Secret("r")), "unknown"),
    ],
)
def test_the_state_is_what_can_be_told_without_asking(tokens: TokenSet | None, state: str) -> None:
    assert state_of(tokens, NOW) == state


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        (_tokens(seconds=None), "unknown"),
        (_tokens(seconds=90), "(in 1 m 30 s)"),
        (_tokens(seconds=-7200), "(2 h 00 m ago)"),
        (_tokens(seconds=90, refresh_token=Secret("r")), "(in 1 m 30 s; it is renewed by then)"),
    ],
)
def test_the_expiry_is_absolute_and_relative(tokens: TokenSet, shown: str) -> None:
    """AUTH-19"""
    view = whoami_view(
        None,
        tokens,
        source="DAGY_TOKEN",
        store=None,
        server=Setting("https://api.example.com", "DAGY_API_URL"),
        profile=None,
        now=NOW,
    )
    (fields,) = view.blocks
    assert isinstance(fields, Fields)
    cell = dict(fields.pairs)["Expires"]
    assert cell.text.endswith(shown)
    if tokens.expires_at is not None:
        assert cell.text.startswith(tokens.expires_at.astimezone().isoformat(" ", "seconds"))
    assert dict(fields.pairs)["User"].text == "unknown (unverified)"
