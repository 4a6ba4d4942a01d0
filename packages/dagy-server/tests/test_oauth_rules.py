"""The parts of the authorization server that decide, and neither read nor write anything."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from dagy_server.clock import SECOND
from dagy_server.oauth.authorization_request import (
    AuthorizationRequest,
    Refusal,
    Unanswerable,
    answer_url,
    read_authorization_request,
)
from dagy_server.oauth.clients import DAGY_CLI, is_redirect_uri
from dagy_server.oauth.forms import read_form
from dagy_server.oauth.pkce import is_challenge, proves
from dagy_server.oauth.polling import DeviceLogin, Poll, interval_after, judge_poll
from dagy_server.oauth.renewal import RefreshToken, Renewal, judge_renewal
from dagy_server.oauth.scopes import read_scopes
from dagy_server.oauth.secrets import ACCESS_TOKEN, hash_of, new_secret
from dagy_server.oauth.user_codes import new_user_code, read_user_code, shown_user_code
from dagy_types.errors import UsageError

KNOWN = ("flows.read", "runs.read", "runs.trigger")
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # of RFC 7636, appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASKED = {
    "response_type": "code",
    "client_id": "dagy-cli",
    "redirect_uri": "http://127.0.0.1:8123/callback",
    "state": "xyz",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def test_a_secret_has_256_random_bits_and_says_what_it_is() -> None:
    secrets = {new_secret(ACCESS_TOKEN) for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"dagy_at_[\w-]{43}", secret) for secret in secrets)


def test_only_the_hash_of_a_secret_is_kept() -> None:
    assert hash_of("dagy_at_x") == hashlib.sha256(b"dagy_at_x").hexdigest()
    assert hash_of("\ud800") == hash_of("?")


def test_the_example_of_rfc_7636_proves_itself() -> None:
    assert is_challenge(CHALLENGE)
    assert proves(VERIFIER, challenge=CHALLENGE)


@pytest.mark.parametrize(
    "verifier", ["", VERIFIER[:-1] + "l", VERIFIER + "\n", "short", "x" * 129, CHALLENGE, "é" * 43]
)
def test_another_verifier_proves_nothing(verifier: str) -> None:
    assert not proves(verifier, challenge=CHALLENGE)


def test_a_verifier_outside_the_rfc_proves_nothing_even_when_it_fits() -> None:
    short = "x" * 42
    digest = urlsafe_b64encode(hashlib.sha256(short.encode()).digest()).rstrip(b"=").decode()
    assert not proves(short, challenge=digest)


@pytest.mark.parametrize("text", ["", "x" * 42, "x" * 44, CHALLENGE + "\n", "=" * 43, "é" * 43])
def test_what_is_no_challenge_is_seen(text: str) -> None:
    assert not is_challenge(text)


def test_a_user_code_is_easy_to_type_and_read_back_in_any_form() -> None:
    code = new_user_code()
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code)
    letters = code.replace("-", "")
    for typed in (code, letters, code.lower(), f" {letters[:4]} {letters[4:]} ", f"{code}\n"):
        assert read_user_code(typed) == letters
    assert shown_user_code(letters) == code


@pytest.mark.parametrize("text", ["", "WDJB", "WDJB-MJHTX", "ADJB-MJHT", "1DJB-MJHT", "ß" * 8])
def test_what_cannot_be_a_user_code_is_seen(text: str) -> None:
    assert read_user_code(text) is None


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:8123/callback",
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:65535/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:8123/callback",
    ],
)
def test_a_browser_is_sent_back_to_any_port_of_the_loopback_address(uri: str) -> None:
    assert is_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://127.0.0.1:8123/callback",
        "http://localhost:8123/callback",
        "http://127.0.0.2:8123/callback",
        "http://127.1:8123/callback",
        "http://2130706433:8123/callback",
        "http://0.0.0.0:8123/callback",
        "http://[::ffff:127.0.0.1]:8123/callback",
        "http://127.0.0.1:8123/",
        "http://127.0.0.1:8123/callback/",
        "http://127.0.0.1:8123/callback/../x",
        "http://127.0.0.1:8123/Callback",
        "HTTP://127.0.0.1:8123/callback",
        "http://127.0.0.1:8123/callback?x=1",
        "http://127.0.0.1:8123/callback#x",
        "http://127.0.0.1:8123/callback\n",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:08123/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:x/callback",
        "http://127.0.0.1:/callback",
        "http://evil@127.0.0.1:8123/callback",
        "http://127.0.0.1:8123@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1:\u0661\u0662/callback",
        "//127.0.0.1:8123/callback",
        "javascript:alert(1)//127.0.0.1/callback",
        "dagy://callback",
    ],
)
def test_a_browser_is_sent_nowhere_else(uri: str) -> None:
    assert not is_redirect_uri(uri)
    answer = read_authorization_request(ASKED | {"redirect_uri": uri}, known_scopes=KNOWN)
    assert isinstance(answer, Unanswerable)


def test_a_request_in_order_can_be_granted() -> None:
    assert read_authorization_request(
        ASKED | {"scope": "runs.trigger flows.read", "audience": "ignored"}, known_scopes=KNOWN
    ) == AuthorizationRequest(
        client=DAGY_CLI,
        redirect_uri="http://127.0.0.1:8123/callback",
        state="xyz",
        code_challenge=CHALLENGE,
        scopes=("flows.read", "runs.trigger"),
    )


@pytest.mark.parametrize("client_id", ["", "dagy-CLI", "other"])
def test_an_unknown_program_gets_no_answer(client_id: str) -> None:
    answer = read_authorization_request(ASKED | {"client_id": client_id}, known_scopes=KNOWN)
    assert isinstance(answer, Unanswerable)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": ""}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "runs.read openid"}, "invalid_scope"),
    ],
)
def test_a_request_that_is_not_in_order_is_refused_to_its_program(
    changes: dict[str, str], error: str
) -> None:
    answer = read_authorization_request(ASKED | changes, known_scopes=KNOWN)
    assert isinstance(answer, Refusal)
    assert (answer.error, answer.state) == (error, "xyz")
    assert answer.redirect_uri == ASKED["redirect_uri"]


def test_an_answer_says_whose_it_is_and_of_which_request() -> None:
    url = answer_url(
        "http://127.0.0.1:8123/callback", issuer="http://h:1", state="a&b=c d", code="dagy_ac_x"
    )
    assert url.startswith("http://127.0.0.1:8123/callback?")
    query = parse_qs(urlsplit(url).query)
    assert query == {"code": ["dagy_ac_x"], "state": ["a&b=c d"], "iss": ["http://h:1"]}


def test_an_answer_to_a_request_without_state_has_none() -> None:
    url = answer_url("http://127.0.0.1/callback", issuer="http://h", state="", error="x")
    assert parse_qs(urlsplit(url).query) == {"error": ["x"], "iss": ["http://h"]}


@pytest.mark.parametrize(
    ("text", "scopes"),
    [("", None), ("runs.read", ("runs.read",)), ("runs.read flows.read  runs.read", KNOWN[:2])],
)
def test_scopes_are_permissions_in_order(text: str, scopes: tuple[str, ...] | None) -> None:
    assert read_scopes(text, known=KNOWN) == scopes


REFRESH = RefreshToken(client_id="dagy-cli", expires_at=100, revoked_at=None, replaced_by=None)


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (REFRESH, Renewal.GRANTED),
        (None, Renewal.REFUSED),
        (replace(REFRESH, client_id="other"), Renewal.REFUSED),
        (replace(REFRESH, expires_at=50), Renewal.REFUSED),
        (replace(REFRESH, expires_at=None), Renewal.REFUSED),
        (replace(REFRESH, revoked_at=10), Renewal.REFUSED),
        (replace(REFRESH, replaced_by="tok_2"), Renewal.REUSED),
        (replace(REFRESH, replaced_by="tok_2", expires_at=1, revoked_at=1), Renewal.REUSED),
        (replace(REFRESH, replaced_by="tok_2", client_id="other"), Renewal.REFUSED),
    ],
)
def test_a_refresh_token_is_good_for_one_renewal(
    token: RefreshToken | None, verdict: Renewal
) -> None:
    assert judge_renewal(token, client_id="dagy-cli", now=50) is verdict


WAITING = DeviceLogin(
    client_id="dagy-cli",
    status="pending",
    expires_at=600 * SECOND,
    interval_seconds=5,
    polled_at=None,
    used_at=None,
)


@pytest.mark.parametrize(
    ("login", "verdict"),
    [
        (WAITING, Poll.PENDING),
        (replace(WAITING, polled_at=95 * SECOND), Poll.PENDING),
        (replace(WAITING, polled_at=97 * SECOND), Poll.SLOW_DOWN),
        (replace(WAITING, polled_at=95 * SECOND, interval_seconds=10), Poll.SLOW_DOWN),
        (replace(WAITING, status="approved", polled_at=97 * SECOND), Poll.SLOW_DOWN),
        (replace(WAITING, status="approved"), Poll.GRANTED),
        (replace(WAITING, status="denied"), Poll.DENIED),
        (replace(WAITING, status="approved", used_at=1), Poll.INVALID),
        (replace(WAITING, status="approved", expires_at=100 * SECOND), Poll.EXPIRED),
        (replace(WAITING, client_id="other"), Poll.INVALID),
        (None, Poll.INVALID),
    ],
)
def test_a_device_is_told_how_its_login_stands(login: DeviceLogin | None, verdict: Poll) -> None:
    assert judge_poll(login, client_id="dagy-cli", now=100 * SECOND) is verdict


def test_whoever_asks_too_soon_waits_longer_from_then_on() -> None:
    assert interval_after(Poll.SLOW_DOWN, 5) == 10
    assert interval_after(Poll.PENDING, 5) == 5


def test_a_form_is_read() -> None:
    assert read_form(b"a=1&b=x+%C3%A9&c=") == {"a": "1", "b": "x é"}
    assert read_form("a=1") == {"a": "1"}
    assert read_form(b"") == {}


@pytest.mark.parametrize(
    "encoded",
    [
        b"a=1&a=2",
        b"a=1&a=",
        b"a=%FF",
        b"a=\xc3\xa9",
        b"&".join(b"a%d=1" % number for number in range(31)),
        b"a=" + b"x" * 4097,
    ],
)
def test_a_form_that_can_be_read_in_two_ways_is_refused(encoded: bytes) -> None:
    with pytest.raises(UsageError, match="form"):
        read_form(encoded)
