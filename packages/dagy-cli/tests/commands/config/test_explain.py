from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEXT = """
version: 1
default_profile: prod
profiles:
  prod:
    api_url: https://profile.example.com
    app_url: https://profile-app.example.com
    auth_storage: file
    table_format: simple
    issuer: https://issuer.example.com
    client_id: ours
    protected: true
  dev: {}
"""

PROFILE = "profile 'prod' in {path}"
DEFAULT = "the default"


@pytest.mark.parametrize(
    ("name", "variable", "of_profile", "default"),
    [
        ("api_url", "DAGY_API_URL", PROFILE, "not set"),
        ("app_url", "DAGY_APP_URL", PROFILE, DEFAULT),
        ("auth_storage", "DAGY_AUTH_STORAGE", f"auth_storage of {PROFILE}", DEFAULT),
        ("table_format", None, PROFILE, DEFAULT),
        ("issuer", None, f"issuer of {PROFILE}", "not set"),
        ("client_id", None, PROFILE, DEFAULT),
        ("protected", None, PROFILE, DEFAULT),
        ("artifact_bucket", "DAGY_ARTIFACT_BUCKET", None, "not set"),
        ("artifact_region", "AWS_REGION", None, DEFAULT),
        ("artifact_region", "AWS_DEFAULT_REGION", None, DEFAULT),
        ("artifact_max_bytes", "DAGY_LOCAL_ARTIFACT_MAX_BYTES", None, DEFAULT),
        ("verbose", "DAGY_LOCAL_VERBOSE", None, DEFAULT),
    ],
)
def test_cli_23_the_environment_beats_the_profile_which_beats_the_default(
    dagy: Callable[..., Any],
    config: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    variable: str | None,
    of_profile: str | None,
    default: str,
) -> None:
    path = config(TEXT)

    def source(*words: str) -> str:
        found = json.loads(dagy("config", "explain", *words, "--format", "json").out)
        return next(each["source"] for each in found if each["name"] == name)

    assert source("--profile", "dev") == default
    if of_profile is not None:
        assert source() == of_profile.format(path=path)
    if variable is not None:
        monkeypatch.setenv(variable, "file" if name == "auth_storage" else "https://a.example.com")
        assert source() == variable


def test_cli_23_the_flag_beats_the_environment(
    dagy: Callable[..., Any], config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config(TEXT)
    monkeypatch.setenv("DAGY_PROFILE", "prod")
    rows = json.loads(dagy("config", "explain", "--profile", "dev", "--format", "json").out)
    assert rows[0] == {"name": "profile", "value": "dev", "source": "--profile"}
    rows = json.loads(dagy("config", "explain", "--format", "json").out)
    assert rows[0] == {"name": "profile", "value": "prod", "source": "DAGY_PROFILE"}


def test_no_secret_is_shown(dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGY_TOKEN", "dagy_at_canary")
    shown = dagy("config", "explain", "--format", "json")
    assert "canary" not in shown.out + shown.err
    rows = json.loads(shown.out)
    assert {"name": "token", "value": "(set, not shown)", "source": "DAGY_TOKEN"} in rows


def test_an_unknown_profile_is_refused(dagy: Callable[..., Any]) -> None:
    ended = dagy("config", "explain", "--profile", "absent")
    assert ended.code == 2
    assert ended.err == (
        "error: There is no profile 'absent' (--profile).\n"
        "hint: Run: dagy config set api_url URL --profile NAME\n"
    )
