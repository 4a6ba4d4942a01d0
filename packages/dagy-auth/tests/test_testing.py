"""The fake provider, as a test of another project sees it: by HTTP alone."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

import dagy_auth.testing
from dagy_auth.testing import FakeProvider

_REDIRECT = "http://127.0.0.1:9/callback"


def _ask(
    url: str, form: dict[str, str] | None = None, *, authorization: str = ""
) -> tuple[int, dict[str, Any]]:
    body = None if form is None else urllib.parse.urlencode(form).encode()
    headers = {"Authorization": authorization} if authorization else {}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        content = answer.read()
    return answer.status, json.loads(content) if content.startswith(b"{") else {}


def _token(provider: FakeProvider, **form: str) -> tuple[int, dict[str, Any]]:
    return _ask(f"{provider.issuer}/token", {"client_id": provider.client_id, **form})


def _code(provider: FakeProvider, **changes: str) -> dict[str, str]:
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": _REDIRECT,
        "state": "s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    query = urllib.parse.urlencode({**parameters, **changes})
    url = provider.approve(f"{provider.issuer}/authorize?{query}")
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


_EXCHANGE = {
    "grant_type": "authorization_code",
    "redirect_uri": _REDIRECT,
    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
}


def test_a_code_is_good_once(provider: FakeProvider) -> None:
    code = _code(provider)["code"]
    status, document = _token(provider, code=code, **_EXCHANGE)
    assert status == 200
    assert provider.accepts(document["access_token"])
    assert _token(provider, code=code, **_EXCHANGE)[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": "another"}, {"redirect_uri": "http://127.0.0.1:9/other"}, {"code": "x"}],
)
def test_a_code_is_for_one_verifier_and_one_redirect(
    provider: FakeProvider, changes: dict[str, str]
) -> None:
    form = {"code": _code(provider)["code"], **_EXCHANGE, **changes}
    status, document = _token(provider, **form)
    assert (status, document["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes", [{"code_challenge_method": "plain"}, {"response_type": "token"}]
)
def test_a_request_without_pkce_is_refused(provider: FakeProvider, changes: dict[str, str]) -> None:
    assert _code(provider, **changes)["error"] == "invalid_request"


def test_a_browser_of_an_unknown_client_is_not_sent_anywhere(provider: FakeProvider) -> None:
    assert _code(provider, client_id="unknown") == {}
    assert _ask(f"{provider.issuer}/cli-login") == (400, {})


def test_what_was_granted_to_one_client_is_not_for_another(provider: FakeProvider) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": _code(provider)["code"],
        "client_id": provider.machine_client_id,
        "client_secret": provider.machine_client_secret,
    }
    assert _token(provider, **{**_EXCHANGE, **form})[1]["error"] == "invalid_grant"


def test_the_second_use_of_a_refresh_token_revokes_all(provider: FakeProvider) -> None:
    tokens = provider.new_tokens()
    assert tokens.refresh_token is not None
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token.reveal()}
    status, renewed = _token(provider, **form)
    assert status == 200
    assert provider.accepts(renewed["access_token"])
    assert _token(provider, **form)[1]["error"] == "invalid_grant"
    assert not provider.accepts(renewed["access_token"])
    form["refresh_token"] = renewed["refresh_token"]
    assert _token(provider, **form)[1]["error"] == "invalid_grant"
    assert provider.refresh_count == 3


def test_a_token_is_good_until_it_expires_or_is_revoked(provider: FakeProvider) -> None:
    first, second, third = (provider.new_tokens().access_token.reveal() for _ in range(3))
    _ask(f"{provider.issuer}/revoke", {"client_id": provider.client_id, "token": first})
    assert [provider.accepts(each) for each in (first, second, third)] == [False, True, True]
    provider.clock_offset_seconds = 3601.0
    assert not provider.accepts(second)
    provider.clock_offset_seconds = 0.0
    assert provider.accepts(third)
    provider.expire_tokens()
    assert not provider.accepts(third)


def test_an_account_can_be_closed(provider: FakeProvider) -> None:
    tokens = provider.new_tokens()
    provider.revoke_all()
    assert not provider.accepts(tokens.access_token.reveal())
    assert tokens.refresh_token is not None
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token.reveal()}
    assert _token(provider, **form)[0] == 400


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/me", {"user_email": "user@example.com", "org_id": "org-1", "role": "developer"}),
        ("/userinfo", {"sub": "user-1", "email": "user@example.com"}),
    ],
)
def test_whose_a_token_is_is_told_to_its_bearer(
    provider: FakeProvider, path: str, document: dict[str, str]
) -> None:
    url = {"/me": provider.me_url, "/userinfo": provider.userinfo_url}[path]
    token = provider.new_tokens().access_token.reveal()
    assert _ask(url, authorization=f"bearer {token}") == (200, document)
    for wrong in ("", token, "Basic x", "Bearer", "Bearer x"):
        status, refusal = _ask(url, authorization=wrong)
        assert (status, refusal["error"]) == (401, "invalid_token")
    assert provider.bearer_tokens == [token, "x"]


@pytest.mark.parametrize("authorization", ["Basic !", "Basic /w==", "Basic dW5rbm93bjp4"])
def test_a_client_that_does_not_know_its_secret_is_refused(
    provider: FakeProvider, authorization: str
) -> None:
    url = f"{provider.issuer}/token"
    status, refusal = _ask(url, {"grant_type": "x"}, authorization=authorization)
    assert (status, refusal["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("kind", ["password", "client_credentials"])
def test_a_grant_that_a_client_has_no_right_to_is_refused(
    provider: FakeProvider, kind: str
) -> None:
    assert _token(provider, grant_type=kind)[1]["error"] == "unsupported_grant_type"


def test_a_device_code_is_good_once_and_when_it_is_approved(provider: FakeProvider) -> None:
    url = f"{provider.issuer}/device_authorization"
    code = _ask(url, {"client_id": provider.client_id})[1]["device_code"]
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": code,
    }
    provider.denies = True
    assert _token(provider, **form)[1]["error"] == "access_denied"
    provider.denies = False
    assert _token(provider, **form)[0] == 200
    assert _token(provider, **form)[1]["error"] == "invalid_grant"


def test_two_providers_tell_which_of_them_got_a_token(provider: FakeProvider) -> None:
    """AUTH-21"""
    with FakeProvider() as other:
        assert other.origin != provider.origin
        _ask(other.me_url, authorization="Bearer t")
        assert [request.origin for request in other.requests] == [other.origin]
        assert (other.bearer_tokens, provider.bearer_tokens) == (["t"], [])


def test_its_requests_can_be_looked_for(provider: FakeProvider) -> None:
    _token(provider, grant_type="x", a="1")
    _token(provider, grant_type="x", a="2")
    (found,) = provider.requests_to("/token", a="2")
    assert (found.method, found.parameters["grant_type"]) == ("POST", "x")
    assert found.user_agent.startswith("Python-urllib")
    assert provider.wait_for("/token") == provider.requests[0]
    assert provider.requests_to("/other") == []
    with pytest.raises(TimeoutError, match="No request to /other"):
        provider.wait_for("/other", timeout_seconds=0.0)


def test_it_serves_other_processes(provider: FakeProvider) -> None:
    program = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
    url = f"{provider.issuer}/.well-known/openid-configuration"
    subprocess.run([sys.executable, "-c", program, url], check=True, timeout=60)
    assert [request.path for request in provider.requests] == ["/.well-known/openid-configuration"]


def test_it_is_gone_at_the_end_even_while_it_is_slow() -> None:
    with FakeProvider() as provider:
        provider.misbehave("/me", "slow")
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])",
                provider.me_url,
            ],
            stderr=subprocess.DEVNULL,
        )
        provider.wait_for("/me")
    with process:
        assert process.wait(30) == 1


def test_it_uses_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import dagy_auth.testing as t; "
        "t.FakeProvider().__enter__().__exit__(None, None, None); "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) - sys.stdlib_module_names <= {"dagy_auth", "dagy_types"}


def test_all_lists_the_public_names_in_order() -> None:
    public = {
        name
        for name, value in vars(dagy_auth.testing).items()
        if not name.startswith("_") and isinstance(value, type)
    }
    assert dagy_auth.testing.__all__ == sorted(public)
    assert all(getattr(dagy_auth.testing, name).__doc__ for name in public)
