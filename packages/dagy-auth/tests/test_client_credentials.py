from __future__ import annotations

from typing import Any

import pytest

from dagy_auth import Application, Provider, Secret, discover, login_with_client_credentials
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, ConfigError, DagyError, NetworkError


@pytest.fixture
def found(provider: FakeProvider) -> Provider:
    return discover(provider.issuer)


@pytest.fixture
def application(provider: FakeProvider) -> Application:
    return Application(
        client_id=provider.machine_client_id,
        client_secret=Secret(provider.machine_client_secret),
        scopes=("runs",),
        resource="https://api.example.com",
    )


@pytest.mark.parametrize("accepts_basic", [True, False])
def test_a_program_logs_in_as_itself(
    provider: FakeProvider, found: Provider, application: Application, accepts_basic: bool
) -> None:
    """AUTH-23"""
    provider.accepts_basic = accepts_basic
    tokens = login_with_client_credentials(found, application, origin=provider.origin)
    assert provider.accepts(tokens.access_token.reveal())
    assert tokens.refresh_token is None
    assert tokens.scopes == ("runs",)
    assert provider.requests[-1].parameters["resource"] == "https://api.example.com"


def test_a_program_without_a_secret_cannot(provider: FakeProvider, found: Provider) -> None:
    application = Application(client_id=provider.client_id)
    with pytest.raises(ConfigError, match="'dagy-cli' has no client secret"):
        login_with_client_credentials(found, application, origin=provider.origin)
    assert not provider.requests_to("/token")


def test_a_wrong_secret_is_refused(provider: FakeProvider, found: Provider) -> None:
    application = Application(client_id=provider.machine_client_id, client_secret=Secret("canary"))
    with pytest.raises(AuthError, match="refuses: invalid_client") as caught:
        login_with_client_credentials(found, application, origin=provider.origin)
    assert caught.value.hint == "Check the client id and the client secret."


@pytest.mark.parametrize(
    ("kind", "error"), [("html", AuthError), ("truncated", AuthError), ("error_500", NetworkError)]
)
def test_a_provider_that_misbehaves_is_an_error_of_one_line(
    provider: FakeProvider,
    found: Provider,
    application: Application,
    kind: Any,
    error: type[DagyError],
) -> None:
    provider.misbehave("/token", kind)
    with pytest.raises(error) as caught:
        login_with_client_credentials(found, application, origin=provider.origin)
    assert str(caught.value).isprintable()
