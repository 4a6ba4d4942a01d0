from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from time import monotonic
from urllib.parse import parse_qs

import httpx
import pytest

from dagy_auth import Application, Http, Secret
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, ConfigError, DagyError, NetworkError

_APPLICATION = Application(client_id="tool")
_URL = "https://login.example.com/token"


@contextmanager
def _answering(handler: Callable[[httpx.Request], httpx.Response]) -> Iterator[Http]:
    with Http(transport=httpx.MockTransport(handler), timeout_seconds=20.0) as http:
        yield http


@contextmanager
def _raw_server(*parts: bytes, forever: bytes = b"") -> Iterator[str]:
    """A server that says these bytes to its first client, and then some again and again."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for part in parts:
                    connection.sendall(part)
                while forever and not is_over.wait(0.05):
                    try:
                        connection.sendall(forever)
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/token"
        finally:
            is_over.set()
            thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/token",
        "http://localhost.example.com/",
        "http://10.0.0.1/",
        "ftp://x/",
        "",
    ],
)
def test_plain_http_to_another_machine_is_refused(url: str, http: Http) -> None:
    """AUTH-16"""
    with pytest.raises(ConfigError) as caught:
        http.get(url)
    assert caught.value.hint


@pytest.mark.parametrize("token", ["", "two\nlines", "schön", "a b", "\x7f"])
def test_what_cannot_stand_in_a_header_is_not_sent(token: str, http: Http) -> None:
    with pytest.raises(AuthError, match="no token has"):
        http.get(_URL, token=Secret(token))


@pytest.mark.parametrize("is_secret", [True, False])
def test_half_a_character_is_not_sent(is_secret: bool, http: Http) -> None:
    secret = Secret("canary\udcff")
    application = Application(client_id="tool", client_secret=secret if is_secret else None)
    form: dict[str, str | Secret] = {} if is_secret else {"refresh_token": secret}
    with pytest.raises(AuthError, match="characters that cannot be sent") as caught:
        http.post_form(_URL, form, application=application)
    assert "canary" not in repr(caught.value)


def test_a_token_is_sent_as_a_bearer_token(provider: FakeProvider, http: Http) -> None:
    tokens = provider.new_tokens()
    answer = http.get(provider.me_url, token=tokens.access_token)
    assert answer.document == {
        "user_email": "user@example.com",
        "org_id": "org-1",
        "role": "developer",
    }
    assert provider.bearer_tokens == [tokens.access_token.reveal()]


def test_no_redirect_is_followed() -> None:
    requests = []

    def redirect(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(307, headers={"Location": "https://evil.example.com/token"})

    with _answering(redirect) as http:
        assert http.post_form(_URL, {"code": Secret("x")}, application=_APPLICATION).status == 307
    assert [str(request.url) for request in requests] == [_URL]


def test_a_client_secret_goes_into_the_form_when_the_header_is_not_understood(
    provider: FakeProvider, http: Http
) -> None:
    provider.accepts_basic = False
    application = Application(
        client_id=provider.machine_client_id,
        client_secret=Secret(provider.machine_client_secret),
    )
    form = {"grant_type": "client_credentials"}
    answer = http.post_form(f"{provider.issuer}/token", form, application=application)
    assert answer.status == 200
    basic, posted = provider.requests
    assert basic.authorization.startswith("Basic ")
    assert posted.authorization == ""


def test_an_application_without_a_secret_is_not_asked_twice(
    provider: FakeProvider, http: Http
) -> None:
    application = Application(client_id="unknown")
    assert http.post_form(f"{provider.issuer}/token", {}, application=application).error
    assert len(provider.requests) == 1


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        def content() -> Iterator[bytes]:
            while True:
                yield b"x" * 65_536

        return httpx.Response(200, content=content())

    with _answering(endless) as http, pytest.raises(AuthError, match="more than 1048576 bytes"):
        http.get(_URL)


def test_a_server_that_sends_a_byte_now_and_then_is_left_in_time() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with _raw_server(head, forever=b" ") as url, Http(timeout_seconds=0.5) as http:
        started = monotonic()
        with pytest.raises(NetworkError, match=r"did not answer within 0\.5 s"):
            http.get(url)
        assert monotonic() - started < 5.0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "broke the connection off, or sent an answer that is not whole"),
        (b"SSH-2.0-canary\r\n", "broke the connection off, or sent an answer that is not whole"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
            "broke the connection off, or sent an answer that is not whole",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
            "broke the connection off, or sent an answer that is not whole",
        ),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error_of_one_line(answer: bytes, message: str) -> None:
    with _raw_server(answer) as url, Http() as http, pytest.raises(NetworkError) as caught:
        http.get(url)
    assert str(caught.value).endswith(message + ".")
    assert str(caught.value).startswith("127.0.0.1:")


def test_a_server_that_is_not_there_is_an_error_that_names_it(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NetworkError, match=f"^127.0.0.1:{port} cannot be connected to: ") as caught:
        http.get(f"http://127.0.0.1:{port}/")
    assert caught.value.hint == "Check the network, and try again."


def test_a_server_without_tls_is_an_error_of_one_line(provider: FakeProvider, http: Http) -> None:
    with pytest.raises(NetworkError, match=r"cannot be connected to: .*SSL"):
        http.get(provider.issuer.replace("http:", "https:"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ConnectTimeout("canary"), "cannot be connected to in time."),
        (httpx.ReadTimeout("canary"), "did not answer in time."),
        (httpx.ProxyError("canary"), "cannot be reached through the proxy."),
        (httpx.ConnectError(""), "cannot be connected to: no reason is known."),
    ],
)
def test_trouble_is_told_without_what_was_sent(error: httpx.HTTPError, message: str) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with _answering(fail) as http, pytest.raises(NetworkError) as caught:
        http.get(_URL)
    assert str(caught.value) == f"login.example.com {message}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("host", ["a" * 70 + ".example.com", "xn--a.example.com"])
def test_a_host_that_cannot_be_is_an_error_of_one_line(http: Http, host: str) -> None:
    with pytest.raises(DagyError) as caught:
        http.get(f"https://{host}/")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "SSL_CERT_FILE"])
def test_settings_of_the_environment_that_are_broken_are_named(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "canary://user:canary@nowhere")
    with Http() as http, pytest.raises(ConfigError, match="in the environment") as caught:
        http.get(_URL)
    assert "canary" not in str(caught.value)


def test_what_stays_on_this_machine_goes_through_no_proxy(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Http() as http:
        assert http.get(f"{provider.issuer}/nothing").status == 404


def test_the_clock_of_the_server_is_compared_with_this_one(provider: FakeProvider) -> None:
    """AUTH-12"""
    provider.clock_offset_seconds = -600.0
    with Http(now=lambda: datetime.now(timezone.utc) + timedelta(minutes=1)) as http:
        answer = http.get(f"{provider.issuer}/nothing")
        assert abs(answer.sent_at - http.now()) < timedelta(minutes=1)
    assert answer.clock_skew_seconds == pytest.approx(660.0, abs=2.0)


def test_a_form_is_sent_as_a_form(provider: FakeProvider) -> None:
    bodies = []

    def remember(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read().decode())
        return httpx.Response(200, json={})

    with _answering(remember) as http:
        http.post_form(_URL, {"code": Secret("a b"), "x": "ü"}, application=_APPLICATION)
    assert parse_qs(bodies[0]) == {"code": ["a b"], "x": ["ü"], "client_id": ["tool"]}


def test_a_client_can_be_used_after_it_was_closed_and_closed_unused(provider: FakeProvider) -> None:
    with Http():
        pass
    http = Http()
    for _ in range(2):
        with http:
            assert http.get(f"{provider.issuer}/nothing").status == 404
