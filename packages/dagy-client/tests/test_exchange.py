"""One logical call: what is sent, how often, and what comes of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dagy_client import (
    ApiAnswerError,
    ApiAuthError,
    ApiConnectionError,
    ApiNotFoundError,
    ApiRateLimitedError,
    ApiServerError,
    ApiUsageError,
    ApiVersionError,
    DagyClient,
    RetryPolicy,
    Timeouts,
)
from dagy_client.testing import FakeClock, Script

Scripted = Callable[..., DagyClient]
ME = {"user_email": "ada@example.org"}


def good() -> httpx.Response:
    return httpx.Response(200, json=ME)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_these_answers_are_asked_for_again(
    scripted: Scripted, clock: FakeClock, status: int
) -> None:
    """HTTP-01."""
    script = Script(httpx.Response(status), httpx.Response(status), good())
    assert scripted(script).me().user_email == "ada@example.org"
    assert clock.sleeps == [0.25, 0.5]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 412, 422, 426, 501, 505])
def test_these_answers_are_final(scripted: Scripted, clock: FakeClock, status: int) -> None:
    """HTTP-01."""
    script = Script(httpx.Response(status))
    with pytest.raises(Exception, match=f"HTTP {status}"):
        scripted(script).me()
    assert (len(script.requests), clock.sleeps) == (1, [])


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("x"),
        httpx.ReadTimeout("x"),
        httpx.WriteError("x"),
        httpx.PoolTimeout("x"),
        httpx.ReadError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.DecodingError("x"),
        httpx.ProxyError("x"),
    ],
)
def test_these_failures_are_tried_again(scripted: Scripted, error: Exception) -> None:
    """HTTP-01."""
    script = Script(error, good())
    assert scripted(script).me().user_email == "ada@example.org"
    assert len(script.requests) == 2


def test_a_certificate_that_is_not_trusted_is_not_tried_again(scripted: Scripted) -> None:
    script = Script(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] no"))
    with pytest.raises(ApiConnectionError, match="certificate that cannot be verified") as caught:
        scripted(script).me()
    assert len(script.requests) == 1
    assert caught.value.hint == "Name the authority that signed it in SSL_CERT_FILE."


def test_all_attempts_of_a_call_have_the_same_key_and_request_id(scripted: Scripted) -> None:
    """HTTP-02."""
    script = Script(httpx.ReadError("x"), httpx.Response(503), httpx.Response(404))
    client = scripted(script)
    for _ in range(2):
        with pytest.raises(ApiNotFoundError):
            client.runs.trigger("nightly")
    for name in ("Idempotency-Key", "X-Request-ID"):
        sent = [request.headers[name] for request in script.requests]
        assert sent[0] == sent[1] == sent[2] != sent[3]
    bodies = [request.content for request in script.requests]
    assert bodies == [b'{"deployment_name":"nightly","parameters":{}}'] * 4


def test_a_server_that_asks_for_time_gets_it(scripted: Scripted, clock: FakeClock) -> None:
    script = Script(httpx.Response(429, headers={"Retry-After": "7"}), good())
    scripted(script).me()
    assert clock.sleeps == [7.0]


def test_a_server_that_asks_for_too_much_time_ends_the_call(
    scripted: Scripted, clock: FakeClock
) -> None:
    """HTTP-01."""
    script = Script(httpx.Response(429, headers={"Retry-After": "1000000000"}))
    with pytest.raises(ApiRateLimitedError, match="retry after 1e\\+09 s") as caught:
        scripted(script).me()
    assert caught.value.details.retry_after_seconds == 1e9
    assert clock.sleeps == []


@pytest.mark.parametrize("dice", [0.0, 0.3, 0.999])
def test_a_call_never_sleeps_beyond_its_deadline(
    scripted: Scripted, clock: FakeClock, dice: float
) -> None:
    """HTTP-01."""
    script = Script(httpx.Response(503))
    policy = RetryPolicy(max_attempts=1000, base_seconds=1.0)
    client = scripted(script, retry=policy, random=lambda: dice, timeouts=Timeouts(total=20.0))
    with pytest.raises(ApiServerError) as caught:
        client.me()
    assert sum(clock.sleeps) < 20.0
    assert caught.value.details.attempts == len(script.requests) == len(clock.sleeps) + 1
    assert caught.value.details.elapsed_seconds == pytest.approx(sum(clock.sleeps))


def test_time_that_the_server_takes_counts_too(scripted: Scripted, clock: FakeClock) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        clock.seconds += 25.0
        return httpx.Response(503)

    script = Script(slow)
    with pytest.raises(ApiServerError):
        scripted(script, retry=RetryPolicy(max_attempts=99)).me()
    assert len(script.requests) == 3


def test_a_body_that_comes_too_slowly_is_cut(scripted: Scripted, clock: FakeClock) -> None:
    """HTTP-04."""

    class Dripping(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            while True:
                clock.seconds += 1.0
                yield b" "

    with pytest.raises(ApiConnectionError, match="did not answer in time") as caught:
        scripted(Script(httpx.Response(200, stream=Dripping()))).me()
    assert caught.value.details.elapsed_seconds == 60.0


def test_a_body_without_an_end_is_cut(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagy_client._httpx.MAX_BODY_BYTES", 1000)
    script = Script(httpx.Response(200, content=b"x" * 1001))
    with pytest.raises(ApiConnectionError, match="more than this client takes"):
        scripted(script).me()
    assert len(script.requests) == 1


class Source:
    """Gives one token after another."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.urls: list[str] = []
        self.rejected: list[str] = []

    def token(self, url: str) -> str:
        self.urls.append(url)
        return self.tokens[0]

    def reject(self, token: str) -> None:
        self.rejected.append(token)
        self.tokens = self.tokens[1:] or self.tokens


def test_a_token_that_is_refused_is_renewed_once(scripted: Scripted) -> None:
    source = Source("old", "new")
    script = Script(httpx.Response(401), good())
    answer = scripted(script, auth=source).with_raw_response.me()
    assert source.rejected == ["old"]
    assert source.urls == ["https://api.dagy.test/v1/me"] * 2
    assert [each.headers["Authorization"] for each in script.requests] == [
        "Bearer old",
        "Bearer new",
    ]
    assert answer.attempts == 2


def test_even_what_must_not_be_repeated_is_sent_with_a_new_token(scripted: Scripted) -> None:
    script = Script(httpx.Response(401), httpx.Response(204))
    scripted(script, auth=Source("old", "new")).logout()
    assert len(script.requests) == 2


def test_a_second_refusal_is_final(scripted: Scripted) -> None:
    script = Script(httpx.Response(401))
    source = Source("a", "b", "c")
    with pytest.raises(ApiAuthError):
        scripted(script, auth=source).me()
    assert (len(script.requests), source.rejected) == (2, ["a"])


@pytest.mark.parametrize("auth", [Source("same"), "t0ken", None])
def test_a_refused_token_is_not_sent_again(scripted: Scripted, auth: Any) -> None:
    script = Script(httpx.Response(401))
    with pytest.raises(ApiAuthError):
        scripted(script, auth=auth).me()
    assert len(script.requests) == 1


def test_a_redirect_at_the_same_origin_is_followed_with_the_token(scripted: Scripted) -> None:
    script = Script(httpx.Response(302, headers={"Location": "/v2/me"}), good())
    scripted(script).me()
    assert str(script.requests[1].url) == "https://api.dagy.test/v2/me"
    assert script.requests[1].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.test/me?token=x",
        "http://api.dagy.test/v1/me",
        "https://api.dagy.test:4/",
        "",
    ],
)
def test_a_redirect_elsewhere_is_refused(scripted: Scripted, location: str) -> None:
    """HTTP-11."""
    headers = {"Location": location, "X-Request-ID": "req_theirs"}
    script = Script(httpx.Response(302 if location else 301, headers=headers))
    with pytest.raises(ApiAnswerError, match="redirected") as caught:
        scripted(script).me()
    assert caught.value.request_id == "req_theirs"
    assert "token=x" not in str(caught.value)
    assert {request.url.host for request in script.requests} == {"api.dagy.test"}


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_never_makes_a_get_of_a_post(scripted: Scripted, status: int) -> None:
    """HTTP-11."""
    script = Script(httpx.Response(status, headers={"Location": "/v1/other"}))
    with pytest.raises(ApiAnswerError, match="redirected a POST"):
        scripted(script).runs.trigger("nightly")
    assert len(script.requests) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_that_keeps_the_method_keeps_all(scripted: Scripted, status: int) -> None:
    script = Script(httpx.Response(status, headers={"Location": "/v2/runs"}), httpx.Response(404))
    with pytest.raises(ApiNotFoundError):
        scripted(script).runs.trigger("nightly")
    first, second = script.requests
    assert (second.method, second.content) == ("POST", first.content)
    assert second.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]


def test_at_most_three_redirects_are_followed(scripted: Scripted) -> None:
    """HTTP-11."""
    script = Script(httpx.Response(307, headers={"Location": "/v1/me"}))
    with pytest.raises(ApiAnswerError, match="more than 3 times"):
        scripted(script).me()
    assert len(script.requests) == 4


@pytest.mark.parametrize(
    ("response", "what"),
    [
        (httpx.Response(200, html="<html>"), "answered with text/html instead of application/json"),
        (httpx.Response(200), "answered with no content instead"),
        (httpx.Response(200, json=[]), "The answer does not fit: it: Input should be a dictionary"),
        (httpx.Response(200, json={}), "user_email: Field required"),
        (
            httpx.Response(200, content=b"{", headers={"Content-Type": "application/json"}),
            "it is not JSON",
        ),
    ],
)
def test_an_answer_that_is_not_dagy_s_is_an_error_with_the_request_id(
    scripted: Scripted, response: httpx.Response, what: str
) -> None:
    script = Script(response)
    with pytest.raises(ApiAnswerError, match=re.escape(what)) as caught:
        scripted(script).me()
    assert caught.value.request_id == script.requests[0].headers["X-Request-ID"]
    assert caught.value.status == 200


def test_a_client_that_is_too_old_is_told_to_be_upgraded(scripted: Scripted) -> None:
    """HTTP-19."""
    document = {"error": {"code": "client_too_old", "message": "This server needs 2 or newer."}}
    with pytest.raises(ApiVersionError, match="This server needs 2 or newer") as caught:
        scripted(Script(httpx.Response(426, json=document))).me()
    assert caught.value.hint == "Upgrade: pip install -U dagy-client"


@pytest.mark.parametrize("status", [404, 405, 422, 501])
def test_a_server_that_is_too_old_is_found_by_its_header(scripted: Scripted, status: int) -> None:
    """HTTP-19."""
    script = Script(httpx.Response(status, headers={"Dagy-API-Level": "0"}))
    with pytest.raises(ApiVersionError, match="API level 0, and level 1 is needed"):
        scripted(script).me()


def test_a_server_of_this_or_a_later_level_is_no_such(scripted: Scripted) -> None:
    for level in ("1", "99", "", "x"):
        script = Script(httpx.Response(422, headers={"Dagy-API-Level": level}))
        with pytest.raises(ApiUsageError) as caught:
            scripted(script).me()
        assert not isinstance(caught.value, ApiVersionError)


def test_the_client_introduces_itself(scripted: Scripted) -> None:
    """HTTP-19."""
    script = Script(good())
    scripted(script).me()
    headers = script.requests[0].headers
    assert headers["User-Agent"].startswith(f"dagy-client/{headers['Dagy-Client-Version']} python/")
    assert (headers["Dagy-API-Level"], headers["Accept"]) == ("1", "application/json")


@pytest.mark.parametrize("base_url", ["https://a.test", "https://a.test/app/", "https://a.test/v1"])
def test_the_prefix_of_the_base_url_belongs_to_every_path(
    scripted: Scripted, base_url: str
) -> None:
    script = Script(good())
    scripted(script, base_url=base_url).me()
    assert str(script.requests[0].url) == f"{base_url.rstrip('/')}/me"


def test_no_cookie_is_kept(scripted: Scripted) -> None:
    script = Script(httpx.Response(200, json=ME, headers={"Set-Cookie": "a=b"}), good())
    client = scripted(script)
    client.me()
    client.me()
    assert "Cookie" not in script.requests[1].headers


def test_the_log_tells_each_attempt_without_secrets(
    scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    """HTTP-12."""
    caplog.set_level(logging.DEBUG)
    script = Script(httpx.ReadError("x"), httpx.Response(503), httpx.Response(404))
    client = scripted(script, auth="s3cret")
    with pytest.raises(ApiNotFoundError):
        client.request("GET", "/runs/r1", query={"since": "yesterday"}, idempotency_key="k3y")
    request_id = script.requests[0].headers["X-Request-ID"]
    told = [each.message for each in caplog.records if each.name == "dagy_client"]
    assert told[0].startswith(
        f"GET /v1/runs/r1: BROKEN_OFF in 0 ms (attempt 1, request {request_id})"
    )
    assert told[1] == "GET /runs/r1: again in 0.25 s"
    assert "GET /v1/runs/r1: 503 in 0 ms (attempt 2" in told[2]
    assert "Authorization" not in told[2]
    headers = [each.message for each in caplog.records if each.name == "dagy_client.headers"]
    assert len(headers) == 3
    assert "'Authorization': '[hidden]'" in headers[0]
    assert "s3cret" not in caplog.text
    assert "k3y" not in caplog.text


def test_a_secret_that_the_server_repeats_is_not_told_again(scripted: Scripted) -> None:
    document = {"detail": "Bad token s3cret"}
    with pytest.raises(ApiUsageError) as caught:
        scripted(Script(httpx.Response(400, json=document)), auth="s3cret").me()
    assert "s3cret" not in f"{caught.value} {caught.value.details}"
    assert str(caught.value).startswith("Bad token [hidden].")
