from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from dagy_server.database.schema import audit_log, device_codes
from dagy_server.services import Services

if TYPE_CHECKING:
    from conftest import FakeClock, Member, PageBrowser


@pytest.fixture
def signed_in(browser: PageBrowser, ada: Member) -> PageBrowser:
    assert browser.sign_in(ada.email).status_code == 303
    return browser


@pytest.fixture
def user_code(browser: PageBrowser) -> str:
    form = {"client_id": "dagy-cli", "scope": "runs.read"}
    answer = browser.client.post("/oauth/device_authorization", data=form)
    return str(answer.json()["user_code"])


def status(services: Services) -> str:
    with services.database.reading() as connection:
        return str(connection.scalar(select(device_codes.c.status)))


def test_a_code_is_entered_and_the_login_allowed(
    signed_in: PageBrowser, services: Services, ada: Member, user_code: str
) -> None:
    page = signed_in.submit(signed_in.open("/device"), user_code=user_code.lower())
    assert page.status_code == 200
    assert "Allow the dagy command line?" in page.text and "runs.read" in page.text
    assert "Only allow this if you have started that login yourself" in page.text
    assert user_code in page.text
    page = signed_in.submit(page, answer="allow")
    assert "The login is allowed" in page.text
    with services.database.reading() as connection:
        row = connection.execute(select(device_codes)).one()
        audit = connection.execute(select(audit_log).order_by(audit_log.c.id.desc())).first()
    assert (row.status, row.user_id) == ("approved", ada.user_id)
    assert row.organisation_id == ada.organisation_id
    assert audit is not None
    assert (audit.action, audit.actor) == ("device_login.allowed", ada.user_id)


@pytest.mark.parametrize("answer", ["deny", ""])
def test_a_login_is_denied(
    signed_in: PageBrowser, services: Services, user_code: str, answer: str
) -> None:
    page = signed_in.open(f"/device?user_code={user_code}")
    page = signed_in.submit(page, answer=answer)
    assert "The login is denied" in page.text
    assert status(services) == "denied"


def test_a_link_with_the_code_still_asks(
    browser: PageBrowser, services: Services, ada: Member, user_code: str
) -> None:
    answer = browser.open(f"/device?user_code={user_code}")
    page = browser.open(answer.headers["location"])
    answer = browser.submit(page, email=ada.email, password="correct horse battery")
    page = browser.open(answer.headers["location"])
    assert "Allow the dagy command line?" in page.text
    assert status(services) == "pending"


@pytest.mark.parametrize("typed", ["BBBB-BBBB", "x", "<script>", "AEIO-UAEI"])
def test_a_wrong_code_is_asked_for_again(
    signed_in: PageBrowser, user_code: str, typed: str
) -> None:
    page = signed_in.submit(signed_in.open("/device"), user_code=typed)
    assert page.status_code == 404
    assert "No login waits for this code" in page.text
    assert "<script" not in page.text
    assert signed_in.submit(page, user_code=user_code).status_code == 200


def test_a_code_that_was_answered_or_is_over_is_not_answered_again(
    signed_in: PageBrowser, services: Services, user_code: str, clock: FakeClock
) -> None:
    page = signed_in.open(f"/device?user_code={user_code}")
    clock.advance(600)
    assert signed_in.submit(page, answer="allow").status_code == 404
    assert status(services) == "pending"
    clock.advance(-600)
    signed_in.submit(page, answer="deny")
    answer = signed_in.submit(page, answer="allow")
    assert answer.status_code == 404
    assert "does not wait any more" in answer.text
    assert status(services) == "denied"


@pytest.mark.parametrize("user_code", ["", "BBBB-BBBB"])
def test_a_form_with_another_code_answers_nothing(
    signed_in: PageBrowser, services: Services, user_code: str
) -> None:
    form = {"client_id": "dagy-cli"}
    real = signed_in.client.post("/oauth/device_authorization", data=form).json()["user_code"]
    page = signed_in.open(f"/device?user_code={real}")
    assert signed_in.submit(page, answer="allow", user_code=user_code).status_code == 404
    assert status(services) == "pending"


def test_a_session_that_ends_meanwhile_leads_to_the_sign_in_page(
    signed_in: PageBrowser, services: Services, user_code: str, clock: FakeClock
) -> None:
    page = signed_in.open(f"/device?user_code={user_code}")
    clock.advance(12 * 3600)
    assert signed_in.submit(page, answer="allow").headers["location"].startswith("/sign-in")
    assert status(services) == "pending"


def test_whoever_belongs_to_no_organisation_can_allow_nothing(
    signed_in: PageBrowser, services: Services, ada: Member, owner: Member, user_code: str
) -> None:
    page = signed_in.open(f"/device?user_code={user_code}")
    signed_in.client.delete(f"/members/{ada.user_id}", headers=owner.headers)
    assert signed_in.open(f"/device?user_code={user_code}").status_code == 403
    assert signed_in.submit(page, answer="allow").status_code == 403
    assert status(services) == "pending"


def test_codes_cannot_be_tried_out_sec_05(signed_in: PageBrowser, user_code: str) -> None:
    answers = [signed_in.open("/device?user_code=BBBB-BBBB").status_code for _ in range(10)]
    assert answers[:5] == [404] * 5
    assert answers[-1] == 429
