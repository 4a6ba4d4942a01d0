from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from dagy_server import Settings, create_app
from dagy_server.app import ROUTERS
from dagy_server.database.schema import audit_log
from dagy_server.oauth.forms import CONTENT_TYPE
from dagy_server.pages import routes as pages
from dagy_server.pages.errors import is_page
from dagy_server.routing import Declaration
from dagy_server.services import Services

if TYPE_CHECKING:
    from conftest import FakeClock, Member, PageBrowser
    from starlette.testclient import TestClient

FORMS = [each for each in pages.router.declarations if each.method == "POST"]
PATHS = ["/sign-in", "/setup", "/device", "/", "/oauth/authorize", "/invitation"]


def rows(services: Services) -> int | None:
    with services.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(audit_log))


def test_every_page_is_known_as_one() -> None:
    declared = {each.path for each in pages.router.declarations}
    assert all(map(is_page, declared))
    others = {each.path for router in ROUTERS for each in router.declarations} - declared
    assert not any(map(is_page, others))
    assert not any(each.is_listed for each in pages.router.declarations)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.path)
@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_every_form_needs_its_token_sec_07(
    browser: PageBrowser, ada: Member, services: Services, form: Declaration, token: str
) -> None:
    browser.sign_in(ada.email)
    before = rows(services)
    page = browser.client.post(form.path, data={"csrf": token, "answer": "allow"})
    assert page.status_code == 403
    assert "This form is out of date, or comes from elsewhere" in page.text
    assert rows(services) == before


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999"])
def test_a_form_from_elsewhere_is_refused_even_with_the_token_sec_07(
    browser: PageBrowser, ada: Member, origin: str
) -> None:
    page = browser.open("/sign-in")
    token = page.text.split('name="csrf" value="')[1][:64]
    form = {"csrf": token, "email": ada.email, "password": "correct horse battery"}
    answer = browser.client.post("/sign-in", data=form, headers={"Origin": origin})
    assert answer.status_code == 403


def test_the_token_of_another_browser_is_refused_sec_07(
    browser: PageBrowser, ada: Member, services: Services
) -> None:
    page = browser.open("/sign-in")
    browser.client.cookies.clear()
    browser.open("/sign-in")
    answer = browser.submit(page, email=ada.email, password="correct horse battery")
    assert answer.status_code == 403


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.path)
def test_a_form_is_a_form_and_nothing_that_scripts_can_send_without_asking_sec_07(
    client: TestClient, owner: Member, form: Declaration
) -> None:
    assert form.accepts == CONTENT_TYPE
    answer = client.post(form.path, json={})
    assert answer.status_code == 415
    assert answer.headers["content-type"].startswith("text/html")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_sec_07(
    browser: PageBrowser, ada: Member
) -> None:
    for answer in (browser.open("/sign-in"), browser.sign_in(ada.email)):
        cookie = answer.headers["set-cookie"]
        assert re.fullmatch(
            r"dagy_session=dagy_bs_[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", cookie
        )


def test_a_browser_that_has_a_cookie_gets_no_other_one(browser: PageBrowser, ada: Member) -> None:
    browser.open("/sign-in")
    assert "set-cookie" not in browser.open("/sign-in").headers


@pytest.fixture
def secure_client(settings: Settings, clock: FakeClock) -> Iterator[TestClient]:
    from starlette.testclient import TestClient

    app = create_app(replace(settings, public_url="https://dagy.example/"), clock=clock)
    with TestClient(app, base_url="https://dagy.example", follow_redirects=False) as client:
        yield client


def test_over_https_the_cookie_is_bound_to_the_host_sec_07(secure_client: TestClient) -> None:
    cookie = secure_client.get("/setup").headers["set-cookie"]
    assert cookie.startswith("__Host-dagy_session=dagy_bs_")
    assert cookie.endswith("; HttpOnly; Max-Age=43200; Path=/; SameSite=lax; Secure")
    answer = secure_client.post("/setup", headers={"Cookie": "dagy_session=x"})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_no_page_can_be_framed_or_load_anything_or_be_cached_sec_07(
    browser: PageBrowser, ada: Member, path: str
) -> None:
    if path in ("/", "/device"):
        browser.sign_in(ada.email)
    answer = browser.client.get(path, follow_redirects=True)
    headers = answer.headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["img-src"] == "data:"
    style = re.search("<style>(.*)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_a_page_needs_no_script_and_nothing_from_elsewhere(
    browser: PageBrowser, ada: Member, path: str
) -> None:
    browser.sign_in(ada.email)
    text = browser.client.get(path, follow_redirects=True).text
    assert "<script" not in text and " on" not in re.sub(">[^<]*<", "><", text.split("<body>")[1])
    urls = re.findall(r"""(?:src|href|action|url)\s*[=(]\s*["']?([^"'\s>)]+)""", text)
    assert all(url.startswith(("/", "data:")) and not url.startswith("//") for url in urls)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_can_be_used_with_a_keyboard_and_a_screen_reader(
    browser: PageBrowser, ada: Member, path: str
) -> None:
    if path in ("/", "/device"):
        browser.sign_in(ada.email)
    text = browser.client.get(path, follow_redirects=True).text
    assert '<html lang="en">' in text
    assert text.count("<h1>") == text.count("<main>") == 1
    labels = set(re.findall(r'<label for="(\w+)">', text))
    fields = re.findall(r"<(?:input|select) ([^>]+)>", text)
    visible = {re.search(r'id="(\w+)"', each)[1] for each in fields if "hidden" not in each}  # type: ignore[index]
    assert labels == visible
    assert "tabindex" not in text


def test_no_other_site_may_read_anything_sec_07(client: TestClient, ada: Member) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for path in ("/sign-in", "/me", "/oauth/token", "/auth/login", "/health"):
        for answer in (client.get(path, headers=headers), client.options(path, headers=headers)):
            assert not [each for each in answer.headers if each.startswith("access-control")]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example"],
)
def test_a_host_that_is_not_this_server_gets_no_page_sec_07(
    client: TestClient, owner: Member, host: str
) -> None:
    for path in ("/sign-in", "/.well-known/oauth-authorization-server", "/me", "/health"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code in (400, 421), path
        assert host not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_a_person_may_call_it_by_any_name_of_its_own(
    client: TestClient, owner: Member, host: str
) -> None:
    assert client.get("/sign-in", headers={"Host": host}).status_code == 200


def test_a_fault_of_the_server_is_a_page_too_and_tells_nothing_sec_24(
    browser: PageBrowser, owner: Member, app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    database = app.state.services.database
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE browser_sessions RENAME TO gone")
    browser.client.cookies.set("dagy_session", "x")
    page = browser.open("/sign-in")
    with database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO browser_sessions")
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert "database cannot be used" in page.text and "gone" not in page.text
    assert "sqlite" not in page.text.lower() and "Traceback" not in page.text
    caplog.clear()
