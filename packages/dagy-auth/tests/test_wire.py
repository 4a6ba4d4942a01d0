from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from dagy_auth import Application, Secret
from dagy_auth._wire import authorization_url, code_challenge, signed_form

_ODD = "a:b c+d/é%"


def test_the_url_keeps_the_query_of_its_endpoint() -> None:
    url = authorization_url(
        "https://login.example.com/authorize?tenant=a%20b",
        application=Application(client_id="tool", scopes=("openid", "runs"), audience="api"),
        redirect_uri="http://127.0.0.1:1/callback",
        extra={"state": Secret("s")},
    )
    assert parse_qs(urlsplit(url).query) == {
        "tenant": ["a b"],
        "response_type": ["code"],
        "client_id": ["tool"],
        "redirect_uri": ["http://127.0.0.1:1/callback"],
        "scope": ["openid runs"],
        "audience": ["api"],
        "state": ["s"],
    }


def test_the_challenge_is_that_of_the_standard() -> None:
    """AUTH-16: RFC 7636, appendix B."""
    verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize("secret_in_form", [False, True])
def test_a_public_application_says_its_name_in_the_form(secret_in_form: bool) -> None:
    headers, body = signed_form(
        {"grant_type": "x"},
        application=Application(client_id="tool"),
        secret_in_form=secret_in_form,
    )
    assert body.reveal() == "grant_type=x&client_id=tool"
    assert list(headers) == ["Content-Type"]


def test_a_client_secret_is_encoded_in_the_header() -> None:
    application = Application(client_id="to:ol", client_secret=Secret(_ODD))
    headers, body = signed_form({"a": _ODD}, application=application, secret_in_form=False)
    encoded = headers["Authorization"].reveal().removeprefix("Basic ")
    assert base64.b64decode(encoded) == b"to%3Aol:a%3Ab+c%2Bd%2F%C3%A9%25"
    assert parse_qs(body.reveal()) == {"a": [_ODD]}


def test_a_client_secret_can_be_in_the_form() -> None:
    application = Application(client_id="tool", client_secret=Secret(_ODD))
    _, body = signed_form({"a": "1"}, application=application, secret_in_form=True)
    assert parse_qs(body.reveal()) == {"a": ["1"], "client_id": ["tool"], "client_secret": [_ODD]}
