from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dagy_auth._callback import Callback, Refused, read_query, read_request

_HOSTS = ["127.0.0.1:4242", "[::1]:4242"]
_ODD = st.binary(max_size=40)
_LINE = st.text(alphabet="GETPOS /callback?=&%HTTP1.0ost:[]\t\r\n\x00é", max_size=60)


def _read(head: bytes) -> Callback | Refused:
    return read_request(head, path="/callback", hosts=_HOSTS)


def _get(target: str, *, host: str = "127.0.0.1:4242", method: str = "GET") -> Callback | Refused:
    return _read(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-Y: Z".encode("latin-1"))


@given(head=_ODD | _LINE.map(str.encode))
@example(head=b"")
@example(head=b"GET /callback?state=%FF%00&code HTTP/1.1\r\nHost:127.0.0.1:4242")
def test_no_request_is_too_odd_to_read(head: bytes) -> None:
    """AUTH-13"""
    outcome = _read(head)
    if isinstance(outcome, Callback):
        assert head.startswith(b"GET /callback")
        assert b"4242" in head
    else:
        assert 400 <= outcome.status < 500


@given(query=st.text())
def test_no_query_is_too_odd_to_read(query: str) -> None:
    read_query(query)


@given(
    parameters=st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable()),
        st.text(max_size=8).filter(lambda text: text.isprintable()),
        max_size=5,
    )
)
def test_what_a_browser_brings_back_is_read_as_it_was_sent(parameters: dict[str, str]) -> None:
    from urllib.parse import urlencode

    outcome = _get(f"/callback?{urlencode(parameters)}")
    assert isinstance(outcome, Callback)
    assert outcome.parameters == parameters


@pytest.mark.parametrize("host", [*_HOSTS, "[::1]:4242 "])
def test_each_address_that_is_listened_at_is_a_host(host: str) -> None:
    assert isinstance(_get("/callback?code=1", host=host), Callback)


@pytest.mark.parametrize(
    "host", ["localhost:4242", "127.0.0.1", "127.0.0.1:80", "evil.example.com", ""]
)
def test_another_host_is_refused(host: str) -> None:
    """AUTH-13: no name that somebody can let point to this machine."""
    assert _get("/callback?code=1", host=host) == Refused(400)


@pytest.mark.parametrize("hosts", [b"", b"Host: 127.0.0.1:4242\r\nHost: evil.example.com"])
def test_a_request_has_one_host(hosts: bytes) -> None:
    assert _read(b"GET /callback?code=1 HTTP/1.1\r\n" + hosts) == Refused(400)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/callback/",
        "/callback/x?code=1",
        "/Callback?code=1",
        "/%63allback?code=1",
        "//callback?code=1",
        "http://127.0.0.1:4242/callback?code=1",
        "/favicon.ico",
        "*",
    ],
)
def test_another_path_is_refused(target: str) -> None:
    """AUTH-13"""
    assert _get(target) == Refused(404)


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "get", ""])
def test_another_method_is_refused(method: str) -> None:
    """AUTH-13"""
    assert _get("/callback?code=1", method=method) == Refused(405)


@pytest.mark.parametrize(
    "line", ["GET /callback", "GET /callback SPDY/3", "GET  /callback HTTP/1.1", "\x16\x03\x01"]
)
def test_what_is_no_request_is_refused(line: str) -> None:
    assert _read(line.encode() + b"\r\nHost: 127.0.0.1:4242") == Refused(400)


@pytest.mark.parametrize("query", ["state=1&state=2", "&".join(f"a{n}=1" for n in range(60))])
def test_a_parameter_comes_once_and_there_are_few(query: str) -> None:
    assert _get(f"/callback?{query}") == Refused(400)


def test_what_came_is_not_seen() -> None:
    """AUTH-06"""
    callback = Callback({"code": "canary"})
    assert "canary" not in repr(callback)
    assert callback.secret("code").reveal() == "canary"
    assert callback.text("state") == ""
