from __future__ import annotations

from pathlib import Path

import pytest

from dagy_cli.profiles import ConfigFile, Flags, Profile, Setting, Settings, resolve
from dagy_types.errors import ConfigError, UsageError

PATH = Path("/state/config.yaml")
PROD = Profile(
    api_url="https://api.dagy.io/v1",
    app_url="https://app.dagy.io",
    issuer="https://login.dagy.io",
    client_id="ours",
    auth_storage="keyring",
)
DEV = Profile(api_url="http://localhost:8000")


def _file(default: str | None = None, **profiles: Profile) -> ConfigFile:
    return ConfigFile(path=PATH, default_profile=default, profiles=profiles)


def _resolve(
    file: ConfigFile | None = None,
    *,
    profile: str | None = None,
    storage: str | None = None,
    **environ: str,
) -> Settings:
    return resolve(Flags(profile=profile, storage=storage), environ, file or _file())


@pytest.mark.parametrize(
    ("flag", "variable", "default", "name", "source"),
    [
        ("prod", "dev", "dev", "prod", "--profile"),
        (None, "prod", "dev", "prod", "DAGY_PROFILE"),
        (None, "", "prod", "prod", f"default_profile in {PATH}"),
        (None, "", None, "dev", f"the first in {PATH}"),
    ],
)
def test_the_profile_is_chosen_in_the_published_order(
    flag: str | None, variable: str, default: str | None, name: str, source: str
) -> None:
    settings = _resolve(_file(default, prod=PROD, dev=DEV), profile=flag, DAGY_PROFILE=variable)
    assert settings.profile == Setting(name, source)
    assert settings.login_name == name
    assert settings.login_command == f"dagy login --profile {name}"


def test_a_profile_may_be_protected() -> None:
    file = _file(prod=Profile(is_protected=True), dev=DEV)
    assert _resolve(file, profile="prod").is_protected
    assert _resolve(file, profile="prod", DAGY_API_URL="http://localhost:1").is_protected
    assert not _resolve(file, profile="dev").is_protected
    assert not _resolve(DAGY_API_URL="http://localhost:1").is_protected


def test_without_profiles_there_is_none_and_the_login_has_a_name_all_the_same() -> None:
    settings = _resolve(DAGY_API_URL="https://api.example.com")
    assert settings.profile is None
    assert (settings.login_name, settings.login_command) == ("default", "dagy login")


def test_the_environment_beats_the_profile_which_beats_the_default() -> None:
    place = f"profile 'prod' in {PATH}"
    file = _file(prod=PROD)
    settings = _resolve(file)
    assert settings.require_api_url() == Setting("https://api.dagy.io/v1", place)
    assert settings.app_url == Setting("https://app.dagy.io", place)
    assert settings.issuer == Setting("https://login.dagy.io", f"issuer of {place}")
    assert settings.client_id == Setting("ours", place)
    assert settings.auth_storage == Setting("keyring", f"auth_storage of {place}")
    settings = _resolve(
        file,
        storage="auto",
        DAGY_API_URL="https://a",
        DAGY_APP_URL="https://b",
        DAGY_AUTH_STORAGE="file",
    )
    assert settings.api_url == Setting("https://a", "DAGY_API_URL")
    assert settings.app_url == Setting("https://b", "DAGY_APP_URL")
    assert (settings.storage, settings.auth_storage.source) == ("auto", "--storage")
    assert _resolve(file, DAGY_AUTH_STORAGE="file").storage == "file"
    settings = _resolve(_file(dev=DEV))
    assert settings.app_url == Setting("https://dagy.io", "the default")
    assert settings.client_id == Setting("dagy-cli", "the default")
    assert settings.issuer is None
    assert settings.storage == "auto"


@pytest.mark.parametrize(
    ("flag", "variable", "source"), [("prd", "", "--profile"), (None, "prd", "DAGY_PROFILE")]
)
def test_an_unknown_profile_is_wrong_usage_and_the_known_ones_are_named(
    flag: str | None, variable: str, source: str
) -> None:
    with pytest.raises(UsageError) as error:
        _resolve(_file(prod=PROD, dev=DEV), profile=flag, DAGY_PROFILE=variable)
    assert error.value.message == f"There is no profile 'prd' ({source})."
    assert error.value.hint == "Use one of: dev, prod."


def test_where_there_are_no_profiles_it_is_told_how_to_make_one() -> None:
    with pytest.raises(UsageError) as error:
        _resolve(profile="prod")
    assert error.value.hint == "Run: dagy config set api_url URL --profile NAME"


def test_a_default_that_is_no_profile_is_an_error_of_the_file() -> None:
    with pytest.raises(ConfigError) as error:
        _resolve(_file("prd", prod=PROD))
    assert error.value.message == f"{PATH} has no profile 'prd', its default_profile."


def test_a_stored_login_may_be_named_though_its_profile_is_gone() -> None:
    settings = resolve(Flags(profile="old"), {}, _file(prod=PROD), stored_names=["old"])
    assert settings.profile == Setting("old", "--profile")
    assert settings.api_url is None


def test_an_unknown_storage_says_where_it_comes_from() -> None:
    with pytest.raises(ConfigError) as error:
        _resolve(DAGY_AUTH_STORAGE="vault")
    assert error.value.message == "There is no storage 'vault' for tokens (DAGY_AUTH_STORAGE)."
    assert error.value.hint == "Use one of: auto, keyring, file."


@pytest.mark.parametrize(
    ("file", "message", "hint"),
    [
        (
            _file(),
            "No server is known: DAGY_API_URL is not set, and there are no profiles.",
            "Set DAGY_API_URL, or run: dagy config set api_url URL",
        ),
        (
            _file(bare=Profile()),
            "No server is known: profile 'bare' has no api_url.",
            "Run: dagy config set api_url URL --profile bare",
        ),
    ],
)
def test_without_a_server_it_is_told_what_to_set(file: ConfigFile, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        _resolve(file).require_api_url()
    assert (error.value.message, error.value.hint) == (message, hint)


def test_a_name_that_a_shell_would_split_is_quoted_in_the_command() -> None:
    assert _resolve(_file(**{"my prod": PROD})).login_command == "dagy login --profile 'my prod'"
