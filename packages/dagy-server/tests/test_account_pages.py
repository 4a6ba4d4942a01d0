from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from dagy_server.database.schema import audit_log, browser_sessions, users
from dagy_server.services import Services

if TYPE_CHECKING:
    from conftest import FakeClock, Member, PageBrowser
    from httpx import Response


def is_signed_in(browser: PageBrowser) -> bool:
    return browser.open("/").status_code == 200


def actions(services: Services) -> list[str]:
    with services.database.reading() as connection:
        return list(connection.scalars(select(audit_log.c.action).order_by(audit_log.c.id)))


def test_a_person_signs_in_and_sees_who_they_are(browser: PageBrowser, ada: Member) -> None:
    answer = browser.sign_in("Ada@Example.com ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = browser.open("/")
    assert "Signed in as ada@example.com" in page.text
    assert "Acme" in page.text and "developer" in page.text
    assert "DAGY_API_URL=http://127.0.0.1:8000" in page.text


def test_a_sign_in_is_in_the_audit_log(
    browser: PageBrowser, ada: Member, services: Services
) -> None:
    browser.sign_in(ada.email)
    browser.submit(browser.open("/"))
    with services.database.reading() as connection:
        rows = connection.execute(select(audit_log).order_by(audit_log.c.id)).all()
    assert [(row.action, row.actor, row.target) for row in rows] == [
        ("user.signed_in", ada.user_id, ada.user_id),
        ("user.signed_out", ada.user_id, ada.user_id),
    ]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "correct horse batterz"),
        ("ada@example.com", ""),
        ("nobody@example.com", "correct horse battery"),
        ("no address", "correct horse battery"),
        ("", ""),
    ],
)
def test_nobody_else_does(browser: PageBrowser, ada: Member, email: str, password: str) -> None:
    page = browser.sign_in(email, password)
    assert page.status_code == 401
    assert 'role="alert"' in page.text
    assert "<title>Error: Sign in" in page.text
    assert f'value="{email}"' in page.text
    assert "correct horse" not in page.text
    assert not is_signed_in(browser)


def test_a_wrong_password_and_an_unknown_address_look_the_same(
    browser: PageBrowser, ada: Member
) -> None:
    wrong = browser.sign_in("ada@example.com", "wrong").text
    unknown = browser.sign_in("eve@example.com", "wrong").text
    assert wrong == unknown.replace("eve@example.com", "ada@example.com")


def test_whoever_was_disabled_is_signed_out_and_stays_so(
    browser: PageBrowser, ada: Member, services: Services
) -> None:
    browser.sign_in(ada.email)
    with services.database.writing() as connection:
        connection.execute(update(users).where(users.c.id == ada.user_id).values(is_disabled=True))
    assert not is_signed_in(browser)
    assert browser.sign_in(ada.email).status_code == 401


def test_whoever_has_no_password_cannot_sign_in(browser: PageBrowser, viewer: Member) -> None:
    assert browser.sign_in(viewer.email, "of nobody at all").status_code == 401


def test_the_sign_in_page_leads_back_to_where_one_was(browser: PageBrowser, ada: Member) -> None:
    before = browser.open("/device?user_code=WDJB-MJHT")
    assert before.headers["location"] == "/sign-in?next=%2Fdevice%3Fuser_code%3DWDJB-MJHT"
    page = browser.open(before.headers["location"])
    answer = browser.submit(page, email=ada.email, password="correct horse battery")
    assert answer.headers["location"] == "/device?user_code=WDJB-MJHT"


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example", "/\\evil.example"]
)
def test_it_leads_nowhere_else(browser: PageBrowser, ada: Member, next_page: str) -> None:
    page = browser.open(f"/sign-in?next={quote(next_page)}")
    assert "evil" not in page.text
    values = {"email": ada.email, "password": "correct horse battery", "next": next_page}
    assert browser.submit(page, **values).headers["location"] == "/"
    answer = browser.open(f"/sign-in?next={quote(next_page)}")
    assert answer.headers["location"] == "/"


def test_whoever_is_signed_in_is_not_asked_again(browser: PageBrowser, ada: Member) -> None:
    browser.sign_in(ada.email)
    answer = browser.open("/sign-in?next=/device")
    assert answer.headers["location"] == "/device"


def test_signing_out_ends_the_session_everywhere(
    browser: PageBrowser, ada: Member, services: Services
) -> None:
    browser.sign_in(ada.email)
    secret = browser.client.cookies["dagy_session"]
    answer = browser.submit(browser.open("/"))
    assert answer.headers["location"] == "/sign-in"
    assert "dagy_session" not in browser.client.cookies
    browser.client.cookies.set("dagy_session", secret)
    assert not is_signed_in(browser)


def test_signing_out_twice_is_no_error(browser: PageBrowser, ada: Member) -> None:
    page = browser.sign_in(ada.email, "wrong")
    token = page.text.split('name="csrf" value="')[1][:64]
    answer = browser.client.post("/sign-out", data={"csrf": token})
    assert answer.headers["location"] == "/sign-in"


def test_a_session_ends_after_twelve_hours(
    browser: PageBrowser, ada: Member, clock: FakeClock, services: Services
) -> None:
    browser.sign_in(ada.email)
    clock.advance(12 * 3600 - 1)
    assert is_signed_in(browser)
    clock.advance(1)
    assert not is_signed_in(browser)
    browser.sign_in(ada.email)
    with services.database.reading() as connection:
        assert len(connection.execute(select(browser_sessions)).all()) == 1


def test_signing_in_changes_the_cookie_so_that_a_planted_one_is_of_no_use_sec_07(
    browser: PageBrowser, ada: Member
) -> None:
    browser.client.cookies.set("dagy_session", "planted")
    page = browser.open("/sign-in")
    answer = browser.submit(page, email=ada.email, password="correct horse battery")
    assert answer.status_code == 303
    assert "planted" not in answer.headers["set-cookie"]
    browser.client.cookies.clear()
    browser.client.cookies.set("dagy_session", "planted")
    assert not is_signed_in(browser)


def test_only_the_hash_of_a_cookie_is_kept(
    browser: PageBrowser, ada: Member, services: Services
) -> None:
    browser.sign_in(ada.email)
    with services.database.reading() as connection:
        (row,) = connection.execute(select(browser_sessions)).all()
    assert browser.client.cookies["dagy_session"] not in str(row)


def test_somebody_without_an_organisation_is_told_so(
    browser: PageBrowser, ada: Member, owner: Member
) -> None:
    answer = browser.client.delete(f"/members/{ada.user_id}", headers=owner.headers)
    assert answer.status_code == 204
    browser.sign_in(ada.email)
    assert "You belong to no organisation here" in browser.open("/").text


def test_too_many_attempts_are_told_to_wait_and_others_are_not_sec_05(
    browser: PageBrowser, ada: Member, clock: FakeClock
) -> None:
    pages: list[Response] = [browser.sign_in(ada.email, "wrong") for _ in range(11)]
    assert [page.status_code for page in pages] == [401] * 10 + [429]
    assert "<h1>Too many requests</h1>" in pages[-1].text
    assert int(pages[-1].headers["retry-after"]) > 0
    clock.advance(60)
    assert browser.sign_in(ada.email).status_code == 303


def test_an_account_is_never_locked_whatever_is_tried_elsewhere_sec_05(
    browser: PageBrowser, ada: Member, app: object
) -> None:
    from starlette.testclient import TestClient

    elsewhere = TestClient(
        app,  # type: ignore[arg-type]  # the application
        base_url="http://127.0.0.1:8000",
        client=("203.0.113.7", 1),
        follow_redirects=False,
    )
    for _ in range(12):
        elsewhere.post("/auth/login", json={"email": ada.email, "password": "wrong"})
    assert browser.sign_in(ada.email).status_code == 303
