from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import delete, insert, select, update

from dagy_server.accounts.passwords import OF_NOBODY, Passwords
from dagy_server.database.schema import audit_log, memberships, users
from dagy_server.services import Services

if TYPE_CHECKING:
    from conftest import FakeClock, Key, Member
    from starlette.testclient import TestClient

GOOD = {"email": "ada@example.com", "password": "correct horse battery"}


def test_an_e_mail_and_a_password_give_a_token_for_a_day(
    client: TestClient, ada: Member, clock: FakeClock, services: Services
) -> None:
    answer = client.post("/auth/login", json=GOOD)
    assert answer.status_code == 200
    document = answer.json()
    assert set(document) == {"access_token", "token_type", "expires_in", "expires_at"}
    assert (document["token_type"], document["expires_in"]) == ("Bearer", 86_400)
    assert document["expires_at"] == clock() // 1_000_000 + 86_400
    headers = {"Authorization": f"Bearer {document['access_token']}"}
    assert client.get("/me", headers=headers).json() == {
        "user_email": "ada@example.com",
        "org_id": ada.organisation_id,
        "role": "developer",
    }
    with services.database.reading() as connection:
        row = connection.execute(select(audit_log)).one()
    assert (row.action, row.actor) == ("user.logged_in", ada.user_id)
    assert row.organisation_id == ada.organisation_id
    clock.advance(86_400)
    assert client.get("/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "correct horse batterz"},
        {"email": "nobody@example.com"},
        {"password": "x"},
    ],
)
def test_a_wrong_password_and_an_unknown_address_are_refused_alike(
    client: TestClient, ada: Member, changes: dict[str, str]
) -> None:
    answer = client.post("/auth/login", json=GOOD | changes)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("auth", "The e-mail or the password is wrong.")


def test_there_is_no_login_by_e_mail_only_orch_19(client: TestClient, ada: Member) -> None:
    answer = client.post("/auth/login", json={"email": "ada@example.com"})
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == "body.password"


@pytest.mark.parametrize("email", ["", "ada", "ada@", "a b@example.com"])
def test_what_is_no_address_is_malformed(client: TestClient, ada: Member, email: str) -> None:
    answer = client.post("/auth/login", json=GOOD | {"email": email})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Not an e-mail address."


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"email": None}, "body.email"),
        ({"email": 1}, "body.email"),
        ({"email": "x" * 255}, "body.email"),
        ({"password": None}, "body.password"),
        ({"password": ""}, "body.password"),
        ({"password": ["x"]}, "body.password"),
        ({"password": "x" * 257}, "body.password"),
        ({"org_id": 1}, "body.org_id"),
        ({"role": "owner"}, "body.role"),
    ],
)
def test_a_field_that_cannot_be_is_named_sec_03(
    client: TestClient, ada: Member, changes: dict[str, Any], path: str
) -> None:
    answer = client.post("/auth/login", json=GOOD | changes)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == path
    assert "correct horse" not in answer.text


def test_an_unknown_address_takes_as_long_as_a_wrong_password() -> None:
    passwords = Passwords()
    kept = passwords.hash("correct horse battery")

    def seconds(hash_of_somebody: str | None) -> float:
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            assert not passwords.matches("wrong", hash_of_somebody)
            times.append(time.perf_counter() - begin)
        return statistics.median(times)

    assert 0.5 < seconds(None) / seconds(kept) < 2
    assert not PasswordHasher().check_needs_rehash(OF_NOBODY)


def test_whoever_was_disabled_is_refused_like_anybody(
    client: TestClient, ada: Member, services: Services
) -> None:
    with services.database.writing() as connection:
        connection.execute(update(users).values(is_disabled=True))
    assert client.post("/auth/login", json=GOOD).status_code == 401


def test_whoever_belongs_to_two_organisations_may_choose(
    client: TestClient,
    ada: Member,
    services: Services,
    other_organisation: Member,
    clock: FakeClock,
) -> None:
    second = other_organisation.organisation_id
    assert client.post("/auth/login", json=GOOD | {"org_id": second}).status_code == 403
    with services.database.writing() as connection:
        connection.execute(
            insert(memberships).values(
                organisation_id=second, user_id=ada.user_id, role="viewer", created_at=clock() + 1
            )
        )
    for body, organisation_id in ((GOOD, ada.organisation_id), (GOOD | {"org_id": second}, second)):
        token = client.post("/auth/login", json=body).json()["access_token"]
        document = client.get("/me", headers={"Authorization": f"Bearer {token}"}).json()
        assert document["org_id"] == organisation_id


def test_whoever_belongs_to_none_is_told_so(
    client: TestClient, ada: Member, services: Services
) -> None:
    with services.database.writing() as connection:
        connection.execute(delete(memberships))
    answer = client.post("/auth/login", json=GOOD)
    assert answer.status_code == 403
    assert "no member" in answer.json()["error"]["message"]


def test_logging_out_ends_the_token_and_no_other(
    client: TestClient, ada: Member, services: Services
) -> None:
    tokens = [client.post("/auth/login", json=GOOD).json()["access_token"] for _ in range(2)]
    headers = [{"Authorization": f"Bearer {token}"} for token in tokens]
    answer = client.post("/auth/logout", headers=headers[0])
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.post("/auth/logout", headers=headers[0]).status_code == 401
    assert client.get("/me", headers=headers[0]).status_code == 401
    assert client.get("/me", headers=headers[1]).status_code == 200
    with services.database.reading() as connection:
        last = connection.execute(select(audit_log).order_by(audit_log.c.id.desc())).first()
    assert last is not None
    assert (last.action, last.actor) == ("user.logged_out", ada.user_id)


def test_whoever_is_not_logged_in_cannot_log_out(client: TestClient, ada: Member) -> None:
    assert client.post("/auth/logout").status_code == 401


def test_an_api_key_is_deleted_and_not_logged_out(
    client: TestClient, owner: Member, new_api_key: Callable[..., Key]
) -> None:
    key = new_api_key(owner)
    answer = client.post("/auth/logout", headers=key.headers)
    assert answer.status_code == 409
    assert "DELETE /api-keys" in answer.json()["error"]["hint"]
    assert client.get("/me", headers=key.headers).status_code == 200


def test_too_many_logins_from_one_address_have_to_wait_sec_05(
    client: TestClient, ada: Member
) -> None:
    answers = [client.post("/auth/login", json=GOOD | {"password": "x"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
