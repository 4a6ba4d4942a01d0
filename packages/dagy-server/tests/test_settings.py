from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dagy_server.settings import ExternalIssuer, Settings, resolve
from dagy_types.errors import ConfigError

_HOME = {"HOME": "/home/ada"}


def test_without_anything_said_all_is_in_one_directory_on_loopback() -> None:
    settings = resolve({}, _HOME)
    assert settings.data_directory == Path("/home/ada/.dagy/server")
    assert settings.database == "sqlite:////home/ada/.dagy/server/dagy-server.db"
    assert settings.artifacts == "file:///home/ada/.dagy/server/artifacts"
    assert settings.origin == "http://127.0.0.1:8000"
    assert settings.allow_public is False
    assert settings.access_token_ttl_seconds == 86_400
    assert (settings.requests_per_minute, settings.request_burst) == (120, 200)


def test_the_command_line_beats_the_environment_which_beats_the_defaults() -> None:
    environ = {
        **_HOME,
        "DAGY_LOCAL_DIR": "/var/dagy",
        "DAGY_SERVER_HOST": "::1",
        "DAGY_SERVER_PORT": "9000",
        "DAGY_SERVER_DATABASE_URL": "postgresql://db/dagy",
        "DAGY_SERVER_ALLOW_PUBLIC": "yes",
        "DAGY_SERVER_ALLOWED_HOSTS": "dagy.internal, dagy",
        "DAGY_ACCESS_TOKEN_TTL_SECONDS": "60",
    }
    settings = resolve({"port": 7000, "host": None}, environ)
    assert settings.data_directory == Path("/var/dagy/server")
    assert settings.origin == "http://[::1]:7000"
    assert settings.database == "postgresql://db/dagy"
    assert settings.allow_public is True
    assert settings.allowed_hosts == ("dagy.internal", "dagy")
    assert settings.access_token_ttl_seconds == 60


def test_a_public_url_is_how_the_server_is_reached() -> None:
    assert resolve({"public_url": "https://dagy.example.com/"}, _HOME).origin == (
        "https://dagy.example.com"
    )


def test_an_external_issuer_is_trusted_when_its_audience_is_known() -> None:
    environ = {
        **_HOME,
        "DAGY_JWT_ISSUER": "https://login.example.com",
        "DAGY_JWT_AUDIENCE": "dagy",
        "DAGY_JWT_JWKS_URL": "https://login.example.com/keys",
    }
    assert resolve({}, environ).external_issuer == ExternalIssuer(
        issuer="https://login.example.com",
        audience="dagy",
        jwks_url="https://login.example.com/keys",
    )
    del environ["DAGY_JWT_AUDIENCE"]
    with pytest.raises(ConfigError, match="DAGY_JWT_AUDIENCE is not"):
        resolve({}, environ)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DAGY_SERVER_PORT", "eighty"),
        ("DAGY_SERVER_PORT", "-1"),
        ("DAGY_SERVER_PORT", "65536"),
        ("DAGY_SERVER_PORT", "٣"),
        ("DAGY_SERVER_ALLOW_PUBLIC", "perhaps"),
        ("DAGY_ACCESS_TOKEN_TTL_SECONDS", "0"),
        ("DAGY_SERVER_REQUESTS_PER_MINUTE", "0"),
        ("DAGY_SERVER_REQUEST_BURST", "1e3"),
        ("DAGY_SERVER_SECRET", "too short"),
        ("DAGY_SERVER_PUBLIC_URL", "dagy.example.com"),
        ("DAGY_SERVER_PUBLIC_URL", "https://user@dagy.example.com"),
        ("DAGY_SERVER_PUBLIC_URL", "https://dagy.example.com/path"),
        ("DAGY_SERVER_PUBLIC_URL", "https://dagy.example.com:port"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(variable: str, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        resolve({}, {**_HOME, variable: text})
    assert refused.value.hint


def test_a_variable_that_is_empty_counts_as_unset() -> None:
    assert resolve({}, {**_HOME, "DAGY_SERVER_PORT": "", "DAGY_JWT_ISSUER": ""}).port == 8000


@pytest.mark.parametrize("name", ["secret", "database_url"])
def test_no_secret_is_in_the_repr(name: str) -> None:
    values: dict[str, Any] = {name: "hunter2" * 6}
    assert "hunter2" not in repr(Settings(data_directory=Path("/x"), **values))
