from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from dagy_server.accounts.first_owner import (
    FirstOwner,
    make_first_owner,
    new_first_owner_code,
    require_first_owner_code,
)
from dagy_server.accounts.invitations import accept_invitation, invite
from dagy_server.database.schema import (
    audit_log,
    external_identities,
    first_owner_codes,
    invitations,
    memberships,
    organisations,
    users,
)
from dagy_server.services import Services
from dagy_types import Role
from dagy_types.errors import AuthError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from conftest import FakeClock, Member, PageBrowser
    from httpx import Response

FIRST = {
    "organisation": "Acme",
    "name": "Ada",
    "email": "Ada@Example.com",
    "password": "correct horse battery",
}


@pytest.fixture
def code(services: Services, clock: FakeClock) -> str:
    with services.database.writing() as connection:
        code = new_first_owner_code(connection, now=clock())
    assert code is not None
    return code


def test_a_server_without_anybody_asks_to_be_set_up_orch_19(browser: PageBrowser) -> None:
    assert browser.open("/").headers["location"] == "/sign-in"
    assert browser.open("/sign-in").headers["location"] == "/setup"
    assert browser.open("/setup").status_code == 200


def test_whoever_can_read_the_console_becomes_the_first_owner_orch_19(
    browser: PageBrowser, services: Services, code: str
) -> None:
    answer = browser.submit(browser.open("/setup"), code=code.lower(), **FIRST)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = browser.open("/")
    assert "Signed in as ada@example.com" in page.text and "owner" in page.text
    with services.database.reading() as connection:
        user = connection.execute(select(users)).one()
        organisation = connection.execute(select(organisations)).one()
        membership = connection.execute(select(memberships)).one()
        row = connection.execute(select(audit_log)).one()
    assert (user.email, user.name, organisation.name) == ("ada@example.com", "Ada", "Acme")
    assert "correct horse" not in user.password_hash
    assert (membership.user_id, membership.role) == (user.id, "owner")
    assert (row.action, row.actor) == ("organisation.created", user.id)
    assert row.organisation_id == row.target == organisation.id


def test_the_code_works_once_orch_19(
    browser: PageBrowser, services: Services, code: str, clock: FakeClock
) -> None:
    page = browser.open("/setup")
    browser.submit(page, code=code, **FIRST)
    assert browser.open("/setup").headers["location"] == "/sign-in"
    again = browser.submit(browser.open("/"))  # sign out
    again = browser.submit(browser.open("/sign-in?next=/"), email="x", password="x")
    token = again.text.split('name="csrf" value="')[1][:64]
    answer = browser.client.post("/setup", data={**FIRST, "code": code, "csrf": token})
    assert answer.status_code == 409
    assert "first owner already" in answer.text
    with services.database.writing() as connection:
        assert new_first_owner_code(connection, now=clock()) is None


@pytest.mark.parametrize("wrong", ["", "BBBB-BBBB-BBBB-BBBB", "%", "é"])
def test_another_code_makes_nobody_an_owner_orch_19(
    browser: PageBrowser, services: Services, code: str, wrong: str
) -> None:
    page = browser.submit(browser.open("/setup"), code=wrong, **FIRST)
    assert page.status_code == 400
    assert "That is not the code" in page.text
    assert 'value="Acme"' in page.text
    with services.database.reading() as connection:
        assert connection.execute(select(users)).first() is None


def test_a_server_that_was_started_again_has_another_code(
    services: Services, code: str, clock: FakeClock
) -> None:
    with services.database.writing() as connection:
        newer = new_first_owner_code(connection, now=clock())
        assert newer is not None and newer != code
        require_first_owner_code(connection, newer)
        with pytest.raises(AuthError, match="not the code"):
            require_first_owner_code(connection, code)
        (row,) = connection.execute(select(first_owner_codes)).all()
    assert newer.replace("-", "") not in str(row)


def test_of_two_first_owners_at_the_same_time_there_is_one(
    services: Services, code: str, clock: FakeClock
) -> None:
    owner = FirstOwner(email="a@b", name="A", organisation="A", password_hash="x")
    with services.database.writing() as connection:
        make_first_owner(connection, code, owner, now=clock())
    already = pytest.raises(ConflictError, match="has its first owner already")
    with already, services.database.writing() as connection:
        make_first_owner(connection, code, owner, now=clock())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "too short"}, "A password has 12 to 256 characters"),
        ({"password": "x" * 257}, "A password has 12 to 256 characters"),
        ({"email": "ada"}, "Not an e-mail address"),
        ({"name": ""}, "no name for your name"),
        ({"name": "x" * 101}, "no name for your name"),
        ({"organisation": "\u202e\n"}, "no name for the organisation"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_stays_filled_in(
    browser: PageBrowser, code: str, changes: dict[str, str], words: str
) -> None:
    page = browser.submit(browser.open("/setup"), code=code, **FIRST | changes)
    assert page.status_code == 400
    assert words in page.text
    assert f'value="{code}"' in page.text
    assert "correct horse" not in page.text
    assert browser.submit(page, **FIRST).status_code == 303


def test_names_that_are_html_are_shown_and_not_run(browser: PageBrowser, code: str) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    page = browser.submit(
        browser.open("/setup"), code=code, **FIRST | {"organisation": evil, "email": "x"}
    )
    assert page.status_code == 400
    browser.submit(page, **FIRST | {"organisation": evil})
    for text in (page.text, browser.open("/").text):
        assert "<script" not in text and "<img" not in text
        assert "&lt;script&gt;" in text


@pytest.fixture
def add_member(browser: PageBrowser, owner: Member) -> Callable[..., Response]:
    def add_member(email: str = "bob@example.com", role: str = "viewer") -> Response:
        return browser.client.post(
            "/members", json={"email": email, "role": role}, headers=owner.headers
        )

    return add_member


@pytest.fixture
def invitation(add_member: Callable[..., Response]) -> str:
    return str(add_member().json()["invitation_url"]).removeprefix("http://127.0.0.1:8000")


def test_whoever_is_invited_chooses_a_password_once_orch_19(
    browser: PageBrowser, services: Services, invitation: str
) -> None:
    page = browser.open(invitation)
    assert "Join Acme" in page.text and "bob@example.com" in page.text and "viewer" in page.text
    answer = browser.submit(page, name="Bob", password="correct horse battery")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Signed in as bob@example.com" in browser.open("/").text
    with services.database.reading() as connection:
        user = connection.execute(select(users).where(users.c.email == "bob@example.com")).one()
        row = connection.execute(select(audit_log).order_by(audit_log.c.id.desc())).first()
    assert user.name == "Bob"
    assert row is not None
    assert (row.action, row.actor, row.target) == ("invitation.accepted", user.id, user.id)
    assert browser.open(invitation).status_code == 404


def test_only_the_hash_of_an_invitation_is_kept(services: Services, invitation: str) -> None:
    code = invitation.partition("code=")[2]
    with services.database.reading() as connection:
        (row,) = connection.execute(select(invitations)).all()
    assert code.startswith("dagy_in_")
    assert code not in str(row)


@pytest.mark.parametrize("changes", [{"name": ""}, {"password": "short"}])
def test_an_invitation_is_not_spent_by_a_form_that_is_not_in_order(
    browser: PageBrowser, invitation: str, changes: dict[str, str]
) -> None:
    good = {"name": "Bob", "password": "correct horse battery"}
    page = browser.submit(browser.open(invitation), **good | changes)
    assert page.status_code == 400
    assert browser.submit(page, **good).status_code == 303


def test_an_invitation_ends_after_a_week(
    browser: PageBrowser, invitation: str, clock: FakeClock
) -> None:
    page = browser.open(invitation)
    clock.advance(7 * 86_400)
    answer = browser.submit(page, name="Bob", password="correct horse battery")
    assert answer.status_code == 404
    assert "This invitation is not valid, or not any more" in answer.text


@pytest.mark.parametrize("query", ["", "?code=", "?code=dagy_in_x", "?code=a&code=b"])
def test_what_is_no_invitation_is_no_page(browser: PageBrowser, query: str) -> None:
    assert browser.open(f"/invitation{query}").status_code in (400, 404)


def test_a_member_who_is_removed_cannot_accept(
    browser: PageBrowser, add_member: Callable[..., Response], owner: Member
) -> None:
    added = add_member().json()
    browser.client.delete(f"/members/{added['user_id']}", headers=owner.headers)
    path = added["invitation_url"].removeprefix("http://127.0.0.1:8000")
    assert browser.open(path).status_code == 404


def test_another_invitation_takes_the_place_of_the_first(
    browser: PageBrowser, add_member: Callable[..., Response], owner: Member, invitation: str
) -> None:
    members = browser.client.get("/members", headers=owner.headers).json()["items"]
    (bob,) = (each["user_id"] for each in members if each["email"] == "bob@example.com")
    browser.client.delete(f"/members/{bob}", headers=owner.headers)
    newer = str(add_member().json()["invitation_url"]).removeprefix("http://127.0.0.1:8000")
    assert browser.open(invitation).status_code == 404
    assert browser.open(newer).status_code == 200


def test_nobody_is_invited_who_can_sign_in_already(
    services: Services, ada: Member, clock: FakeClock
) -> None:
    with services.database.writing() as connection:
        assert invite(connection, **_of(ada), now=clock()) is None


def test_nobody_is_invited_whom_the_provider_signs_in(
    services: Services, viewer: Member, clock: FakeClock
) -> None:
    with services.database.writing() as connection:
        connection.execute(
            insert(external_identities).values(
                issuer="https://id.example", subject="1", user_id=viewer.user_id, created_at=1
            )
        )
        assert invite(connection, **_of(viewer), now=clock()) is None


def test_the_owner_of_one_organisation_does_not_become_a_member_of_another_sec_02(
    services: Services,
    viewer: Member,
    other_organisation: Member,
    clock: FakeClock,
) -> None:
    with services.database.writing() as connection:
        code = invite(connection, **_of(viewer), now=clock())
        assert code is not None
        connection.execute(
            insert(memberships).values(
                organisation_id=other_organisation.organisation_id,
                user_id=viewer.user_id,
                role=Role.OWNER.value,
                created_at=clock(),
            )
        )
        assert invite(connection, **_of(viewer), now=clock()) is None
        with pytest.raises(NotFoundError, match="not valid"):
            accept_invitation(connection, code, name="Eve", password_hash="x", now=clock())


def _of(member: Member) -> dict[str, str]:
    return {
        "user_id": member.user_id,
        "organisation_id": member.organisation_id,
        "created_by": member.user_id,
    }
