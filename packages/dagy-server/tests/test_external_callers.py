from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import insert, select, update

from dagy_server import Settings
from dagy_server.database.schema import audit_log, memberships, users
from dagy_server.external_issuer import ExternalTokens
from dagy_server.settings import ExternalIssuer

if TYPE_CHECKING:
    from conftest import FakeClock, Member
    from httpx import Response
    from starlette.testclient import TestClient

TRUSTED = ExternalIssuer(
    issuer="https://id.example", audience="dagy", jwks_url="https://id.example/k"
)
KEY = RSAKey.generate_key(2048, {"kid": "1"})

Ask = Callable[..., "Response"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, external_issuer=TRUSTED)


@pytest.fixture
def app(app: FastAPI, clock: FakeClock) -> FastAPI:
    """A server that gets the keys of its provider from here."""
    tokens = ExternalTokens(
        TRUSTED,
        fetch=lambda _: {"keys": [KEY.as_dict(private=False)]},
        now=lambda: clock() / 1_000_000,
    )
    app.state.services = replace(app.state.services, external_tokens=tokens)
    return app


@pytest.fixture
def ask(client: TestClient, clock: FakeClock) -> Ask:
    """Send a request with a token of the provider."""

    def ask(path: str = "/me", method: str = "GET", **changes: Any) -> Response:
        claims = {
            "iss": TRUSTED.issuer,
            "aud": TRUSTED.audience,
            "sub": "user-1",
            "exp": clock() // 1_000_000 + 600,
            "email": "Eve@Example.com",
            "email_verified": True,
            "name": "Eve",
            **changes,
        }
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, KEY)
        return client.request(method, path, headers={"Authorization": f"Bearer {token}"})

    return ask


def test_whoever_comes_for_the_first_time_becomes_a_viewer(
    ask: Ask, owner: Member, app: FastAPI
) -> None:
    for _ in range(2):
        answer = ask()
        assert answer.status_code == 200
        assert answer.json() == {
            "user_email": "eve@example.com",
            "org_id": owner.organisation_id,
            "role": "viewer",
        }
    assert ask("/flows").status_code == 200
    assert ask("/members").status_code == 403
    with app.state.services.database.reading() as connection:
        row = connection.execute(select(audit_log)).one()
    assert (row.action, row.organisation_id) == ("member.provisioned", owner.organisation_id)
    assert row.details == {"issuer": "https://id.example"}


def test_whoever_sends_many_requests_at_first_comes_once(
    ask: Ask, owner: Member, app: FastAPI
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask().status_code, range(8)))
    assert answers == [200] * 8
    with app.state.services.database.reading() as connection:
        assert len(connection.execute(select(audit_log)).all()) == 1


def test_whoever_has_an_account_keeps_it_and_the_role(ask: Ask, owner: Member) -> None:
    answer = ask(email=owner.email, sub="owner-1")
    assert (answer.json()["user_email"], answer.json()["role"]) == (owner.email, "owner")


def test_an_account_is_known_by_its_subject_and_not_by_an_address_that_changes(
    ask: Ask, owner: Member
) -> None:
    ask()
    answer = ask(email=owner.email)
    assert answer.json()["user_email"] == "eve@example.com"


@pytest.mark.parametrize("changes", [{"email_verified": False}, {"email": "eve"}])
def test_nobody_comes_in_by_an_address_that_was_not_checked(
    ask: Ask, owner: Member, changes: dict[str, Any]
) -> None:
    answer = ask(**changes)
    assert answer.status_code == 401
    assert "does not vouch" in answer.json()["error"]["message"]


@pytest.mark.parametrize("changes", [{"aud": "other"}, {"iss": "https://evil.example"}, {"exp": 1}])
def test_a_token_for_something_else_is_refused(
    ask: Ask, owner: Member, changes: dict[str, Any]
) -> None:
    assert ask(**changes).status_code == 401


def test_whoever_is_disabled_or_removed_does_not_come_back(
    ask: Ask, owner: Member, app: FastAPI, client: TestClient
) -> None:
    ask()
    database = app.state.services.database
    is_eve = users.c.email == "eve@example.com"
    with database.writing() as connection:
        connection.execute(update(users).where(is_eve).values(is_disabled=True))
    assert ask().status_code == 401
    assert ask(sub="user-2").status_code == 401
    with database.writing() as connection:
        connection.execute(update(users).values(is_disabled=False))
        user_id = connection.scalar(select(users.c.id).where(is_eve))
    assert ask().status_code == 200
    assert client.delete(f"/members/{user_id}", headers=owner.headers).status_code == 204
    assert ask().status_code == 401


def test_a_server_without_an_organisation_takes_nobody_in(ask: Ask) -> None:
    answer = ask()
    assert answer.status_code == 401
    assert "no organisation here for you yet" in answer.json()["error"]["message"]


def test_the_organisation_can_be_set(
    ask: Ask, owner: Member, other_organisation: Member, app: FastAPI
) -> None:
    second = other_organisation.organisation_id
    trusted = replace(TRUSTED, organisation_id=second)
    services = app.state.services
    app.state.services = replace(
        services, settings=replace(services.settings, external_issuer=trusted)
    )
    assert ask().json()["org_id"] == second


def test_the_oldest_membership_counts_where_nothing_is_set(
    ask: Ask,
    owner: Member,
    new_organisation: Callable[..., str],
    app: FastAPI,
    clock: FakeClock,
) -> None:
    ask()
    second = new_organisation("Beta")
    with app.state.services.database.writing() as connection:
        user_id = connection.scalar(select(users.c.id).where(users.c.email == "eve@example.com"))
        connection.execute(
            insert(memberships).values(
                organisation_id=second,
                user_id=user_id,
                role="owner",
                created_at=clock() + 1,
            )
        )
    assert ask().json()["org_id"] == owner.organisation_id


def test_a_token_of_a_provider_is_not_logged_out_here(ask: Ask, owner: Member) -> None:
    assert ask("/auth/logout", "POST").status_code == 409
