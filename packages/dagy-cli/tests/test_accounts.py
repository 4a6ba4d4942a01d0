from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dagy_auth import FileStore, TokenSet
from dagy_auth.testing import FakeProvider
from dagy_cli.accounts import (
    Account,
    account_for,
    naming_source_of,
    require_no_token_variable,
    token_variable,
)
from dagy_cli.config_file import config_file_of
from dagy_cli.profiles import Flags, Setting
from dagy_client.testing import FakeServer
from dagy_types.errors import (
    ConfigError,
    CredentialStoreError,
    NetworkError,
    NotLoggedInError,
    UsageError,
)

SERVER = "https://api.example.com"


def _account(**environ: str) -> Account:
    return account_for(
        Flags(), {**os.environ, "DAGY_API_URL": SERVER, **environ}, notify=lambda _: None
    )


@pytest.fixture
def older_file(local_dir: Path) -> Path:
    """The file of older versions, with a token."""
    local_dir.mkdir(mode=0o700)
    path = local_dir / "credentials"
    path.touch(mode=0o600)
    path.write_text("older-token\n")
    return path


def test_a_token_in_the_environment_beats_all_others_and_touches_no_store(
    older_file: Path, tmp_path: Path
) -> None:
    """AUTH-07: the order; that no keyring is imported, other tests show."""
    (older_file.parent / "credentials.json").write_text("damaged")
    (tmp_path / "token").write_text("from-file\n")
    (tmp_path / "token").chmod(0o600)
    file = str(tmp_path / "token")
    access = _account(DAGY_TOKEN="from-variable", DAGY_TOKEN_FILE=file).access()
    assert access.source.token(SERVER) == "from-variable"
    assert access.description == "DAGY_TOKEN"
    access = _account(DAGY_TOKEN_FILE=file).access()
    assert access.source.token(SERVER) == "from-file"
    assert access.description == f"{file} (DAGY_TOKEN_FILE)"
    assert access.store is None


def test_a_stored_login_beats_the_file_of_older_versions(
    older_file: Path, provider: FakeProvider, stored: Callable[..., TokenSet]
) -> None:
    tokens = stored()
    access = _account(DAGY_API_URL=provider.issuer).access()
    assert access.source.token(provider.me_url) == tokens.access_token.reveal()
    assert access.details() == tokens


def test_the_file_of_older_versions_is_the_last_source(older_file: Path) -> None:
    access = _account().access()
    assert access.source.token(SERVER) == "older-token"
    assert access.description == f"{older_file}, of an older version"
    with pytest.raises(NotLoggedInError, match=r"is for https://api\.example\.com:443, not for"):
        access.source.token("https://other.example.com")


def test_a_file_of_older_versions_that_others_can_read_is_refused(older_file: Path) -> None:
    older_file.chmod(0o644)
    with pytest.raises(CredentialStoreError):
        _account().access()


def test_without_any_token_it_is_told_how_to_log_in(config: Callable[[str], Path]) -> None:
    config("profiles: {prod: {api_url: 'https://api.example.com'}}")
    with pytest.raises(NotLoggedInError) as error:
        _account().access()
    assert error.value.message == "Not logged in for profile prod."
    assert error.value.hint == "Run: dagy login --profile prod (or set DAGY_TOKEN)"


def test_a_login_that_ends_meanwhile_is_no_login(stored: Callable[..., TokenSet]) -> None:
    stored()
    access = _account().access()
    assert isinstance(access.store, FileStore)
    access.store.delete("default")
    with pytest.raises(NotLoggedInError, match=r"^Not logged in\.$"):
        access.details()


def test_a_login_in_a_file_does_not_count_where_only_the_keyring_may_be_used(
    stored: Callable[..., TokenSet],
) -> None:
    """AUTH-08"""
    stored()
    with pytest.raises(CredentialStoreError, match="is not encrypted"):
        _account(DAGY_AUTH_STORAGE="keyring").access()


@pytest.mark.parametrize("url", ["ftp://api", "api.dagy.io", "https://me:pw@api.dagy.io"])
def test_a_server_that_is_no_url_is_told_with_its_source(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        _ = _account(DAGY_API_URL=url).api_url
    assert "is from DAGY_API_URL." in (error.value.hint or "")


def test_a_slash_at_the_end_of_the_server_makes_no_difference() -> None:
    assert _account(DAGY_API_URL=f"{SERVER}/v1/").identity_url == f"{SERVER}/v1/me"


def test_a_machine_without_a_home_needs_none_for_a_token_of_the_environment() -> None:
    environ = {"DAGY_API_URL": SERVER, "DAGY_TOKEN": "t"}
    account = account_for(Flags(), environ, notify=lambda _: None)
    assert account.access().source.token(SERVER) == "t"


@pytest.mark.parametrize(
    ("flags", "environ"), [(Flags(profile="prod"), {}), (Flags(), {"DAGY_PROFILE": "prod"})]
)
def test_a_profile_needs_a_home(flags: Flags, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="HOME is not set"):
        config_file_of(flags, environ)
    assert config_file_of(Flags(), {}).profiles == {}


def test_logins_cannot_be_changed_where_they_do_not_count() -> None:
    require_no_token_variable({"DAGY_TOKEN": ""})
    assert token_variable({"DAGY_TOKEN_FILE": "x"}) == "DAGY_TOKEN_FILE"
    with pytest.raises(UsageError) as error:
        require_no_token_variable({"DAGY_TOKEN_FILE": "x"})
    assert error.value.message == "DAGY_TOKEN_FILE is set, and beats every stored login."
    assert error.value.hint == "Unset it first: unset DAGY_TOKEN_FILE"


def test_a_server_that_does_not_answer_is_named_with_its_source() -> None:
    with (
        pytest.raises(NetworkError) as error,
        naming_source_of(Setting(SERVER, "DAGY_API_URL")),
    ):
        raise NetworkError("It is away.")
    assert error.value.message == "It is away."
    assert error.value.hint == f"Check the network, and the URL {SERVER} (DAGY_API_URL)."


def test_details_of_a_token_from_outside_are_what_it_says_itself(provider: FakeProvider) -> None:
    token = provider.jwt({"email": "ci@example.com", "exp": 2_000_000_000})
    details = _account(DAGY_TOKEN=token).access().details()
    assert details.email == "ci@example.com"
    assert details.expires_at is not None
    assert details.expires_at.timestamp() == 2_000_000_000


def test_cli_33_the_server_is_told_which_command_asks(
    dagy: Callable[..., Any], api_server: FakeServer
) -> None:
    assert dagy("flows", "list").code == 0
    [told] = {request.headers["user-agent"] for request in api_server.requests}
    assert told.startswith(f"dagy-cli/{version('dagy-cli')} dagy-client/")
    assert " python/" in told
