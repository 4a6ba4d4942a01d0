from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import delete, func, select, update

from dagy_server.database.schema import (
    audit_log,
    device_codes,
    memberships,
    oauth_codes,
    oauth_tokens,
    users,
)
from dagy_server.services import Services

if TYPE_CHECKING:
    from conftest import FakeClock, Member, PageBrowser
    from httpx import Response
    from starlette.testclient import TestClient

REDIRECT_URI = "http://127.0.0.1:8123/callback"
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

Post = Callable[..., "Response"]


@pytest.fixture
def post(client: TestClient) -> Post:
    """Send a form of the command line's to the token endpoint."""

    def post(path: str = "/oauth/token", **form: str) -> Response:
        fields = {"client_id": "dagy-cli", **form}
        return client.post(path, data={name: value for name, value in fields.items() if value})

    return post


@pytest.fixture
def new_code(browser: PageBrowser, ada: Member) -> Callable[..., str]:
    """Allow a login, and return its code."""

    def new_code(scope: str = "") -> str:
        query = {
            "response_type": "code",
            "client_id": "dagy-cli",
            "redirect_uri": REDIRECT_URI,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "scope": scope,
        }
        if browser.open("/").status_code == 303:
            browser.sign_in(ada.email)
        page = browser.open(f"/oauth/authorize?{urlencode(query)}")
        answer = browser.submit(page, answer="allow")
        return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]

    return new_code


@pytest.fixture
def redeem(post: Post) -> Callable[..., Response]:
    def redeem(the_code: str, **changes: str) -> Response:
        form = {
            "grant_type": "authorization_code",
            "code": the_code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        return post(**form | changes)

    return redeem


@pytest.fixture
def tokens(new_code: Callable[..., str], redeem: Callable[..., Response]) -> dict[str, Any]:
    """The tokens of a login."""
    return dict(redeem(new_code()).json())


@pytest.fixture
def refresh(post: Post) -> Callable[[str], Response]:
    def refresh(token: str) -> Response:
        return post(grant_type="refresh_token", refresh_token=token)

    return refresh


@pytest.fixture
def works(client: TestClient) -> Callable[[str], bool]:
    """Tell whether the server takes an access token."""

    def works(token: str) -> bool:
        answer = client.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 401)
        return bool(answer.status_code == 200)

    return works


def is_refused(answer: Response, error: str) -> bool:
    document = answer.json()
    assert set(document) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    return bool(answer.status_code == 400 and document["error"] == error)


def actions(services: Services) -> list[str]:
    with services.database.reading() as connection:
        return list(connection.scalars(select(audit_log.c.action).order_by(audit_log.c.id)))


def test_a_code_is_redeemed_for_tokens_that_work_and_are_kept_as_hashes(
    new_code: Callable[..., str],
    redeem: Callable[..., Response],
    works: Callable[[str], bool],
    services: Services,
    ada: Member,
) -> None:
    answer = redeem(new_code())
    document = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert set(document) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (document["token_type"], document["expires_in"]) == ("Bearer", 3600)
    assert re.fullmatch(r"dagy_at_[\w-]{43}", document["access_token"])
    assert re.fullmatch(r"dagy_rt_[\w-]{43}", document["refresh_token"])
    assert works(document["access_token"])
    with services.database.reading() as connection:
        row = connection.execute(
            select(oauth_tokens).where(oauth_tokens.c.refresh_hash.is_not(None))
        ).one()
        audit = connection.execute(select(audit_log).order_by(audit_log.c.id.desc())).first()
    assert document["access_token"] not in str(row)
    assert document["refresh_token"] not in str(row)
    assert audit is not None
    assert (audit.action, audit.actor, audit.target) == ("token.issued", ada.user_id, row.family_id)
    assert audit.organisation_id == ada.organisation_id
    assert audit.details == {"client_id": "dagy-cli", "by": "authorization_code"}


def test_a_token_does_what_was_asked_for_and_no_more(
    new_code: Callable[..., str], redeem: Callable[..., Response], client: TestClient
) -> None:
    document = redeem(new_code("flows.read runs.read")).json()
    assert document["scope"] == "flows.read runs.read"
    headers = {"Authorization": f"Bearer {document['access_token']}"}
    assert client.get("/flows", headers=headers).status_code == 200
    assert client.get("/deployments", headers=headers).status_code == 403


def test_a_scope_gives_nobody_more_than_the_role(
    new_code: Callable[..., str], redeem: Callable[..., Response], client: TestClient
) -> None:
    document = redeem(new_code("members.write members.read")).json()
    headers = {"Authorization": f"Bearer {document['access_token']}"}
    assert client.get("/members", headers=headers).status_code == 403


def test_a_code_that_comes_twice_ends_what_it_was_redeemed_for(
    new_code: Callable[..., str],
    redeem: Callable[..., Response],
    refresh: Callable[[str], Response],
    works: Callable[[str], bool],
    services: Services,
) -> None:
    code = new_code()
    tokens = redeem(code).json()
    newer = refresh(tokens["refresh_token"]).json()
    assert is_refused(redeem(code), "invalid_grant")
    assert not works(tokens["access_token"]) and not works(newer["access_token"])
    assert is_refused(refresh(newer["refresh_token"]), "invalid_grant")
    assert actions(services)[-1] == "code.reused"
    assert is_refused(redeem(code), "invalid_grant")
    assert actions(services).count("code.reused") == 1


def test_a_code_is_good_for_a_minute(
    new_code: Callable[..., str], redeem: Callable[..., Response], clock: FakeClock
) -> None:
    early, late = new_code(), new_code()
    clock.advance(59)
    assert redeem(early).status_code == 200
    clock.advance(1)
    assert is_refused(redeem(late), "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": CHALLENGE},
        {"redirect_uri": "http://127.0.0.1:8124/callback"},
        {"redirect_uri": "http://[::1]:8123/callback"},
    ],
)
def test_a_code_with_a_wrong_proof_gets_nothing_and_is_spent(
    new_code: Callable[..., str],
    redeem: Callable[..., Response],
    services: Services,
    changes: dict[str, str],
) -> None:
    code = new_code()
    assert is_refused(redeem(code, **changes), "invalid_grant")
    assert actions(services)[-1] == "code.refused"
    assert is_refused(redeem(code), "invalid_grant")


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier"])
def test_a_code_alone_is_not_enough(
    new_code: Callable[..., str], redeem: Callable[..., Response], missing: str
) -> None:
    code = new_code()
    assert is_refused(redeem(code, **{missing: ""}), "invalid_request")
    assert redeem(code).status_code == 200


@pytest.mark.parametrize("code", ["x", "dagy_ac_x", "\x00", "é", "x" * 5000])
def test_an_unknown_code_gets_nothing_and_changes_nothing(
    redeem: Callable[..., Response], services: Services, code: str
) -> None:
    answer = redeem(code)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_grant", "invalid_request")
    assert actions(services) == []


def test_tokens_are_renewed_and_the_old_access_token_still_ends_at_its_time(
    tokens: dict[str, Any],
    refresh: Callable[[str], Response],
    works: Callable[[str], bool],
    clock: FakeClock,
    services: Services,
) -> None:
    clock.advance(3600)
    assert not works(tokens["access_token"])
    answer = refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    newer = answer.json()
    assert set(newer) == set(tokens)
    assert newer["refresh_token"] != tokens["refresh_token"]
    assert works(newer["access_token"]) and not works(tokens["access_token"])
    assert actions(services)[-1] == "token.renewed"


def test_scopes_stay_as_they_were(
    new_code: Callable[..., str], redeem: Callable[..., Response], post: Post
) -> None:
    tokens = redeem(new_code("runs.read")).json()
    answer = post(
        grant_type="refresh_token",
        refresh_token=tokens["refresh_token"],
        scope="runs.read members.write",
    )
    assert answer.json()["scope"] == "runs.read"


def test_a_refresh_token_that_comes_twice_ends_the_whole_login(
    tokens: dict[str, Any],
    refresh: Callable[[str], Response],
    works: Callable[[str], bool],
    services: Services,
) -> None:
    newer = refresh(tokens["refresh_token"]).json()
    newest = refresh(newer["refresh_token"]).json()
    assert works(newest["access_token"])
    assert is_refused(refresh(tokens["refresh_token"]), "invalid_grant")
    for each in (tokens, newer, newest):
        assert not works(each["access_token"])
        assert is_refused(refresh(each["refresh_token"]), "invalid_grant")
    assert actions(services).count("token.reused") == 1


def test_another_login_of_the_same_person_goes_on(
    tokens: dict[str, Any],
    new_code: Callable[..., str],
    redeem: Callable[..., Response],
    refresh: Callable[[str], Response],
    works: Callable[[str], bool],
) -> None:
    other = redeem(new_code()).json()
    refresh(tokens["refresh_token"])
    refresh(tokens["refresh_token"])
    assert works(other["access_token"])
    assert refresh(other["refresh_token"]).status_code == 200


def test_a_session_that_is_not_used_ends_after_thirty_days(
    tokens: dict[str, Any], refresh: Callable[[str], Response], clock: FakeClock
) -> None:
    clock.advance(30 * 86_400 - 1)
    newer = refresh(tokens["refresh_token"]).json()
    clock.advance(30 * 86_400)
    assert is_refused(refresh(newer["refresh_token"]), "invalid_grant")


def test_whoever_is_removed_or_disabled_gets_no_more_tokens(
    tokens: dict[str, Any],
    new_code: Callable[..., str],
    redeem: Callable[..., Response],
    refresh: Callable[[str], Response],
    works: Callable[[str], bool],
    services: Services,
    ada: Member,
) -> None:
    code = new_code()
    with services.database.writing() as connection:
        connection.execute(update(users).where(users.c.id == ada.user_id).values(is_disabled=True))
    assert not works(tokens["access_token"])
    assert is_refused(refresh(tokens["refresh_token"]), "invalid_grant")
    assert is_refused(redeem(code), "invalid_grant")
    with services.database.writing() as connection:
        connection.execute(update(users).values(is_disabled=False))
        connection.execute(delete(memberships).where(memberships.c.user_id == ada.user_id))
    assert not works(tokens["access_token"])
    assert is_refused(refresh(tokens["refresh_token"]), "invalid_grant")


def test_whoever_comes_back_before_that_is_noticed_goes_on(
    tokens: dict[str, Any], refresh: Callable[[str], Response], services: Services
) -> None:
    with services.database.writing() as connection:
        connection.execute(update(users).values(is_disabled=True))
    refresh(tokens["refresh_token"])
    with services.database.writing() as connection:
        connection.execute(update(users).values(is_disabled=False))
    assert refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_login(
    tokens: dict[str, Any],
    post: Post,
    refresh: Callable[[str], Response],
    works: Callable[[str], bool],
    services: Services,
    kind: str,
) -> None:
    for _ in range(2):
        answer = post("/oauth/revoke", token=tokens[kind], token_type_hint=kind)
        assert (answer.status_code, answer.json()) == (200, {})
    assert not works(tokens["access_token"])
    assert is_refused(refresh(tokens["refresh_token"]), "invalid_grant")
    assert actions(services).count("token.revoked") == 1


@pytest.mark.parametrize("token", ["x", "dagy_at_x", "é"])
def test_a_token_that_is_unknown_is_revoked_already(
    post: Post, services: Services, token: str
) -> None:
    answer = post("/oauth/revoke", token=token)
    assert (answer.status_code, answer.json()) == (200, {})
    assert actions(services) == []


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": DEVICE_GRANT}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "client_id": ""}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "client_id": "other"}, 401, "invalid_client"),
    ],
)
def test_a_request_for_tokens_that_is_not_in_order_is_refused(
    post: Post, form: dict[str, str], status: int, error: str
) -> None:
    answer = post(**form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_field_that_comes_twice_is_refused(client: TestClient) -> None:
    answer = client.post(
        "/oauth/token",
        content="client_id=dagy-cli&client_id=dagy-cli",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert is_refused(answer, "invalid_request")


def test_a_token_of_another_program_is_neither_renewed_nor_revoked(
    tokens: dict[str, Any],
    post: Post,
    refresh: Callable[[str], Response],
    works: Callable[[str], bool],
    services: Services,
) -> None:
    with services.database.writing() as connection:
        connection.execute(update(oauth_tokens).values(client_id="other"))
    assert is_refused(refresh(tokens["refresh_token"]), "invalid_grant")
    assert post("/oauth/revoke", token=tokens["access_token"]).status_code == 200
    assert works(tokens["access_token"])


def test_what_is_over_is_forgotten(
    new_code: Callable[..., str],
    redeem: Callable[..., Response],
    post: Post,
    services: Services,
    clock: FakeClock,
) -> None:
    redeem(new_code())
    post("/oauth/device_authorization")
    clock.advance(31 * 86_400)
    redeem(new_code())
    post("/oauth/device_authorization")
    with services.database.reading() as connection:
        for table in (oauth_codes, device_codes):
            assert connection.scalar(select(func.count()).select_from(table)) == 1
        is_renewable = oauth_tokens.c.refresh_hash.is_not(None)
        assert len(connection.execute(select(oauth_tokens).where(is_renewable)).all()) == 1


@pytest.fixture
def device(post: Post) -> dict[str, Any]:
    return dict(post("/oauth/device_authorization", scope="runs.read").json())


@pytest.fixture
def poll(post: Post, device: dict[str, Any]) -> Callable[[], Response]:
    def poll() -> Response:
        return post(grant_type=DEVICE_GRANT, device_code=device["device_code"])

    return poll


@pytest.fixture
def allow(browser: PageBrowser, ada: Member, device: dict[str, Any]) -> Callable[..., None]:
    def allow(answer: str = "allow") -> None:
        browser.sign_in(ada.email)
        page = browser.open(f"/device?user_code={device['user_code']}")
        assert browser.submit(page, answer=answer).status_code == 200

    return allow


def test_a_device_is_told_what_to_show(device: dict[str, Any], services: Services) -> None:
    code = device["user_code"]
    assert device == {
        "device_code": device["device_code"],
        "user_code": code,
        "verification_uri": "http://127.0.0.1:8000/device",
        "verification_uri_complete": f"http://127.0.0.1:8000/device?user_code={code}",
        "expires_in": 600,
        "interval": 5,
    }
    with services.database.reading() as connection:
        row = connection.execute(select(device_codes)).one()
    assert device["device_code"] not in str(row)
    assert actions(services) == ["device_login.started"]


def test_a_device_gets_tokens_once_when_it_is_allowed(
    poll: Callable[[], Response],
    allow: Callable[..., None],
    clock: FakeClock,
    works: Callable[[str], bool],
) -> None:
    assert is_refused(poll(), "authorization_pending")
    allow()
    clock.advance(5)
    answer = poll()
    assert answer.status_code == 200
    assert answer.json()["scope"] == "runs.read"
    assert works(answer.json()["access_token"])
    clock.advance(5)
    assert is_refused(poll(), "invalid_grant")


def test_a_device_that_asks_too_often_is_told_to_be_slower(
    poll: Callable[[], Response], clock: FakeClock
) -> None:
    assert is_refused(poll(), "authorization_pending")
    clock.advance(3)
    assert is_refused(poll(), "slow_down")
    clock.advance(5)
    assert is_refused(poll(), "slow_down")
    clock.advance(15)
    assert is_refused(poll(), "authorization_pending")


def test_a_device_is_told_that_it_was_denied(
    poll: Callable[[], Response], allow: Callable[..., None]
) -> None:
    allow("deny")
    assert is_refused(poll(), "access_denied")


def test_a_device_is_told_that_nobody_has_come(
    poll: Callable[[], Response], allow: Callable[..., None], clock: FakeClock
) -> None:
    allow()
    clock.advance(600)
    assert is_refused(poll(), "expired_token")


def test_a_poll_is_not_in_the_audit_log(poll: Callable[[], Response], services: Services) -> None:
    poll()
    assert actions(services) == ["device_login.started"]


def test_a_member_who_is_removed_meanwhile_logs_no_device_in(
    poll: Callable[[], Response], allow: Callable[..., None], services: Services, ada: Member
) -> None:
    allow()
    with services.database.writing() as connection:
        connection.execute(delete(memberships).where(memberships.c.user_id == ada.user_id))
    assert is_refused(poll(), "invalid_grant")


def test_an_unknown_device_gets_nothing(post: Post) -> None:
    answer = post(grant_type=DEVICE_GRANT, device_code="dagy_dc_x")
    assert is_refused(answer, "invalid_grant")


def test_a_device_asks_for_permissions_only(post: Post) -> None:
    assert is_refused(post("/oauth/device_authorization", scope="everything"), "invalid_scope")


def test_programs_are_told_where_to_log_in(client: TestClient) -> None:
    answer = client.get("/.well-known/oauth-authorization-server")
    document = answer.json()
    origin = "http://127.0.0.1:8000"
    assert document["issuer"] == origin
    assert {value for value in document.values() if str(value).startswith("http")} == {
        origin,
        f"{origin}/oauth/authorize",
        f"{origin}/oauth/token",
        f"{origin}/oauth/device_authorization",
        f"{origin}/oauth/revoke",
    }
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "runs.trigger" in document["scopes_supported"]


def test_a_server_that_is_called_by_another_of_its_names_calls_itself_that(
    client: TestClient,
) -> None:
    headers = {"Host": "LOCALHOST:9000"}
    answer = client.get("/.well-known/oauth-authorization-server", headers=headers)
    assert answer.json()["issuer"] == "http://localhost:9000"


def test_requests_for_tokens_are_limited_more_than_others_sec_05(post: Post) -> None:
    answers = [post(grant_type="refresh_token", refresh_token="x") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [400] * 60 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
