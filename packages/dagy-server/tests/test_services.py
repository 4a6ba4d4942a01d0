from __future__ import annotations

from dataclasses import replace

import pytest

from dagy_server import Settings
from dagy_server.services import Services, open_services
from dagy_types.errors import ConfigError, ConflictError, DagyError


def test_what_was_opened_is_closed_once_and_can_be_opened_again(settings: Settings) -> None:
    services = open_services(settings)
    assert not services.stopping.is_set()
    services.close()
    services.close()
    assert services.stopping.is_set()
    open_services(settings).close()


@pytest.mark.parametrize(
    "changes", [{"database_url": "mysql://x/y"}, {"artifacts_url": "ftp://x/y"}]
)
def test_a_start_that_fails_leaves_the_directory_to_the_next(
    settings: Settings, changes: dict[str, str]
) -> None:
    with pytest.raises(ConfigError):
        open_services(replace(settings, **changes))  # type: ignore[arg-type]  # of these names
    open_services(settings).close()


def test_a_secret_that_is_given_makes_no_file(settings: Settings) -> None:
    services = open_services(replace(settings, secret="s" * 40))
    assert services.secret == b"s" * 40
    services.close()
    assert not (settings.data_directory / "secret.key").exists()


def test_orch_24_a_second_start_on_the_same_directory_is_refused(
    settings: Settings, services: Services
) -> None:
    with pytest.raises(ConflictError):
        open_services(settings)


def test_no_secret_is_in_the_repr(services: Services) -> None:
    assert services.secret.decode() not in repr(services)


def test_orch_24_a_database_that_cannot_be_opened_is_an_error_of_dagy(settings: Settings) -> None:
    settings = replace(settings, database_url=None)
    path = settings.data_directory / "dagy-server.db"
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)
    with pytest.raises(DagyError, match="database cannot be used"):
        open_services(settings)
    path.rmdir()
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(DagyError, match="database cannot be used"):
        open_services(settings)
