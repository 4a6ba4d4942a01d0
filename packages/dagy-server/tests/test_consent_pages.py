from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import insert, select, update

from dagy_server.database.schema import audit_log, memberships, oauth_codes, organisations
from dagy_server.services import Services

if TYPE_CHECKING:
    from conftest import FakeClock, Member, PageBrowser
    from httpx import Response

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASKED = {
    "response_type": "code",
    "client_id": "dagy-cli",
    "redirect_uri": "http://127.0.0.1:8123/callback",
    "state": "xyz",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def path(**changes: str) -> str:
    return f"/oauth/authorize?{urlencode(ASKED | changes)}"


def answer_in(response: Response) -> tuple[str, dict[str, str]]:
    assert response.status_code == 303
    url, _, query = response.headers["location"].partition("?")
    parameters = parse_qs(query, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values())
    return url, {name: values[0] for name, values in parameters.items()}


@pytest.fixture
def signed_in(browser: PageBrowser, ada: Member) -> PageBrowser:
    assert browser.sign_in(ada.email).status_code == 303
    return browser


def test_a_login_goes_by_way_of_the_sign_in_page(browser: PageBrowser, ada: Member) -> None:
    answer = browser.open(path())
    page = browser.open(answer.headers["location"])
    assert "Sign in" in page.text
    answer = browser.submit(page, email=ada.email, password="correct horse battery")
    assert answer.headers["location"] == path()
    assert "Allow the dagy command line?" in browser.open(answer.headers["location"]).text


def test_whoever_allows_a_program_sends_it_a_code_with_its_state_and_whose_it_is(
    signed_in: PageBrowser, ada: Member, services: Services
) -> None:
    page = signed_in.open(path(scope="runs.read flows.read"))
    assert "flows.read, runs.read" in page.text and "Acme" in page.text
    url, answer = answer_in(signed_in.submit(page, answer="allow"))
    code = answer.pop("code")
    assert url == "http://127.0.0.1:8123/callback"
    assert answer == {"state": "xyz", "iss": "http://127.0.0.1:8000"}
    assert code.startswith("dagy_ac_")
    with services.database.reading() as connection:
        row = connection.execute(select(oauth_codes)).one()
        audit = connection.execute(select(audit_log).order_by(audit_log.c.id.desc())).first()
    assert code not in str(row)
    assert (row.user_id, row.organisation_id) == (ada.user_id, ada.organisation_id)
    assert row.scopes == ["flows.read", "runs.read"]
    assert audit is not None
    assert (audit.action, audit.actor) == ("login.allowed", ada.user_id)
    assert (audit.target, audit.organisation_id) == ("dagy-cli", ada.organisation_id)


@pytest.mark.parametrize("said", [{"answer": "deny"}, {"answer": ""}, {}])
def test_whoever_denies_it_or_says_nothing_sends_no_code(
    signed_in: PageBrowser, services: Services, said: dict[str, str]
) -> None:
    url, answer = answer_in(signed_in.submit(signed_in.open(path()), **said))
    assert url == "http://127.0.0.1:8123/callback"
    assert answer == {
        "error": "access_denied",
        "error_description": "The login was denied.",
        "state": "xyz",
        "iss": "http://127.0.0.1:8000",
    }
    with services.database.reading() as connection:
        assert connection.execute(select(oauth_codes)).first() is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_request_that_is_not_in_order_goes_back_to_its_program_at_once(
    browser: PageBrowser, ada: Member, changes: dict[str, str], error: str
) -> None:
    url, answer = answer_in(browser.open(path(**changes)))
    assert url == "http://127.0.0.1:8123/callback"
    assert (answer["error"], answer["state"]) == (error, "xyz")
    assert answer["iss"] == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"client_id": ""},
        {"redirect_uri": ""},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://localhost:8123/callback"},
        {"redirect_uri": "http://127.0.0.1:8123/callback?x=1"},
        {"redirect_uri": "http://127.0.0.1:8123@evil.example/callback"},
    ],
)
def test_a_browser_is_never_sent_to_a_place_that_is_not_the_programs_own(
    signed_in: PageBrowser, changes: dict[str, str]
) -> None:
    page = signed_in.open(path(**changes))
    assert page.status_code == 400
    assert "location" not in page.headers and "evil" not in page.text
    page = signed_in.submit(signed_in.open(path()), answer="allow", **changes)
    assert page.status_code == 400
    assert "location" not in page.headers and "evil" not in page.text


@pytest.mark.parametrize("changes", [{"code_challenge_method": "plain"}, {"scope": "x"}])
def test_a_form_that_was_changed_is_checked_again(
    signed_in: PageBrowser, changes: dict[str, str]
) -> None:
    _, answer = answer_in(signed_in.submit(signed_in.open(path()), answer="allow", **changes))
    assert "code" not in answer


def test_a_parameter_that_comes_twice_is_refused(signed_in: PageBrowser) -> None:
    page = signed_in.open(path() + "&client_id=dagy-cli")
    assert page.status_code == 400
    assert "comes twice" in page.text


def test_a_session_that_ends_meanwhile_leads_to_the_sign_in_page_and_back(
    signed_in: PageBrowser, clock: FakeClock
) -> None:
    page = signed_in.open(path())
    clock.advance(12 * 3600)
    answer = signed_in.submit(page, answer="allow")
    assert answer.headers["location"].startswith("/sign-in?next=%2Foauth%2Fauthorize%3F")


def test_every_login_is_asked_for_even_when_it_was_allowed_before(signed_in: PageBrowser) -> None:
    signed_in.submit(signed_in.open(path()), answer="allow")
    assert signed_in.open(path() + "&prompt=none").status_code == 200


@pytest.fixture
def second(
    services: Services, ada: Member, new_organisation: Callable[..., str], clock: FakeClock
) -> str:
    organisation_id = new_organisation("Beta & Söhne")
    with services.database.writing() as connection:
        connection.execute(
            insert(memberships).values(
                organisation_id=organisation_id,
                user_id=ada.user_id,
                role="viewer",
                created_at=clock() + 1,
            )
        )
    return organisation_id


def test_whoever_belongs_to_two_organisations_chooses_one(
    signed_in: PageBrowser, services: Services, second: str
) -> None:
    page = signed_in.open(path())
    assert "<select" in page.text and "Beta &amp; Söhne (viewer)" in page.text
    _, answer = answer_in(signed_in.submit(page, answer="allow", organisation=second))
    assert "code" in answer
    with services.database.reading() as connection:
        assert connection.scalar(select(oauth_codes.c.organisation_id)) == second


@pytest.mark.parametrize("chosen", ["", "org_unknown"])
def test_nobody_chooses_an_organisation_that_is_not_theirs_sec_02(
    signed_in: PageBrowser, second: str, other_organisation: Member, chosen: str
) -> None:
    for organisation in (chosen, other_organisation.organisation_id):
        page = signed_in.submit(signed_in.open(path()), answer="allow", organisation=organisation)
        assert page.status_code == 403
        assert "You do not belong to that organisation" in page.text


def test_whoever_belongs_to_none_can_allow_nothing(
    signed_in: PageBrowser, ada: Member, owner: Member
) -> None:
    page = signed_in.open(path())
    signed_in.client.delete(f"/members/{ada.user_id}", headers=owner.headers)
    assert signed_in.open(path()).status_code == 403
    assert signed_in.submit(page, answer="allow").status_code == 403


def test_names_that_are_html_are_shown_and_not_run(
    signed_in: PageBrowser, services: Services, ada: Member
) -> None:
    evil = "<script>alert(1)</script>"
    with services.database.writing() as connection:
        connection.execute(update(organisations).values(name=evil))
    page = signed_in.open(path(state='"><script>alert(1)</script>'))
    assert "<script" not in page.text
    assert page.text.count("&lt;script&gt;") == 2


def test_the_form_may_lead_to_the_program_and_nowhere_else_sec_07(
    signed_in: PageBrowser,
) -> None:
    policy = signed_in.open(path()).headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:8123;" in policy
    policy = signed_in.open(path(redirect_uri="http://[::1]:8123/callback")).headers[
        "content-security-policy"
    ]
    assert "form-action 'self' http:;" in policy  # a policy cannot name an IPv6 address


def test_a_login_over_ipv6_comes_back_over_ipv6(signed_in: PageBrowser) -> None:
    page = signed_in.open(path(redirect_uri="http://[::1]:8123/callback"))
    url, _ = answer_in(signed_in.submit(page, answer="allow"))
    assert urlsplit(url).hostname == "::1"
