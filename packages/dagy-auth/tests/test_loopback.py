from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from urllib.parse import urlsplit

import pytest

from dagy_auth import NoCallbackError, Notice, Secret, Warned
from dagy_auth._loopback import LoopbackReceiver
from dagy_auth._notices import ignore

_STATE = Secret("the-state")


@pytest.fixture
def receiver() -> Iterator[LoopbackReceiver]:
    with LoopbackReceiver(state=_STATE, expects=("code", "error")) as receiver:
        yield receiver


def _port(receiver: LoopbackReceiver) -> int:
    port = urlsplit(receiver.redirect_uri).port
    assert port is not None
    return port


def _ask(receiver: LoopbackReceiver, target: str, **changes: str) -> int:
    """Return the status that a request is answered with."""
    port = _port(receiver)
    method, host = changes.get("method", "GET"), changes.get("host", f"127.0.0.1:{port}")
    with _connected(port, address=changes.get("address", "127.0.0.1")) as connection:
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return _status(connection)


@contextmanager
def _connected(port: int, *, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection((address, port), timeout=30) as connection:
        yield connection


def _status(connection: socket.socket) -> int:
    answer = b""
    while part := connection.recv(4096):
        answer += part
    return int(answer.split(b" ")[1])


def _wait(receiver: LoopbackReceiver, seconds: float = 30.0) -> str:
    return receiver.wait(seconds, notify=ignore).text("code")


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_the_redirect_uri_has_the_literal_address(receiver: LoopbackReceiver) -> None:
    """AUTH-13"""
    assert receiver.redirect_uri == f"http://127.0.0.1:{_port(receiver)}/callback"


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")
def test_both_loopback_addresses_are_listened_at(receiver: LoopbackReceiver) -> None:
    """AUTH-13"""
    host = f"[::1]:{_port(receiver)}"
    assert _ask(receiver, "/callback?code=1&state=the-state", address="::1", host=host) == 200
    assert _wait(receiver) == "1"


@pytest.mark.parametrize("is_missing", [True, False])
def test_one_address_family_is_enough(is_missing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def only_ipv6(family: int = -1, *args: int, **options: int) -> socket.socket:
        if family == socket.AF_INET and is_missing:
            raise OSError("There is no IPv4.")
        made = real(family, *args, **options)
        if family == socket.AF_INET:
            made.close()
        return made

    if not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    monkeypatch.setattr(socket, "socket", only_ipv6)
    with LoopbackReceiver(state=_STATE, expects=("code",)) as receiver:
        assert receiver.redirect_uri.startswith("http://[::1]:")


def test_a_machine_without_loopback_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*args: object, **options: object) -> socket.socket:
        raise OSError("There is no network.")

    monkeypatch.setattr(socket, "socket", no_socket)
    receiver = LoopbackReceiver(state=_STATE, expects=("code",))
    with pytest.raises(NoCallbackError, match="no loopback address"):
        receiver.__enter__()


def test_it_listens_only_during_the_login() -> None:
    """AUTH-13"""
    with LoopbackReceiver(state=_STATE, expects=("code",)) as receiver:
        port = _port(receiver)
    with pytest.raises(ConnectionRefusedError), _connected(port):
        pass
    assert not [each for each in threading.enumerate() if each.name == "dagy-auth-callback"]


@pytest.mark.parametrize(
    ("target", "changes", "status"),
    [
        ("/", {}, 404),
        ("/favicon.ico", {}, 404),
        ("/callback/?code=0&state=the-state", {}, 404),
        ("/callback?code=0&state=the-state", {"method": "POST"}, 405),
        ("/callback?code=0&state=the-state", {"method": "HEAD"}, 405),
        ("/callback?code=0&state=the-state", {"host": "localhost"}, 400),
        ("/callback?code=0&state=the-state", {"host": "evil.example.com"}, 400),
        ("/callback?code=0", {}, 403),
        ("/callback?code=0&state=", {}, 403),
        ("/callback?code=0&state=another", {}, 403),
        ("/callback?code=0&state=the-state&state=the-state", {}, 400),
        ("/callback?state=the-state", {}, 400),
        ("/callback?state=the-state&code=", {}, 400),
    ],
)
def test_what_is_not_the_answer_to_this_login_does_not_end_it(
    receiver: LoopbackReceiver, target: str, changes: dict[str, str], status: int
) -> None:
    """AUTH-13: another path, method or host; a wrong or missing state."""
    assert _ask(receiver, target, **changes) == status
    assert _ask(receiver, "/callback?code=1&state=the-state") == 200
    assert _wait(receiver) == "1"


def test_a_second_answer_is_refused(receiver: LoopbackReceiver) -> None:
    """AUTH-13: a replayed state."""
    assert _ask(receiver, "/callback?code=1&state=the-state") == 200
    assert _ask(receiver, "/callback?code=2&state=the-state") == 409
    assert not receiver.accept_url("/callback?code=3&state=the-state")
    assert _wait(receiver) == "1"


def test_silent_and_slow_connections_hold_nobody_up(receiver: LoopbackReceiver) -> None:
    with _connected(_port(receiver)), _connected(_port(receiver)) as slow:
        slow.sendall(b"GET /callback?code=0&state=the-st")
        assert _ask(receiver, "/callback?code=1&state=the-state") == 200
        assert _wait(receiver) == "1"


def test_a_silent_connection_is_closed_after_a_while() -> None:
    with (
        LoopbackReceiver(state=_STATE, expects=("code",), connection_seconds=0.05) as receiver,
        _connected(_port(receiver)) as silent,
    ):
        assert silent.recv(1) == b""


def test_silent_connections_do_not_delay_the_end() -> None:
    with LoopbackReceiver(state=_STATE, expects=("code",), connection_seconds=60.0) as receiver:
        silent = socket.create_connection(("127.0.0.1", _port(receiver)))
        # Connections are accepted in order: the silent one has been when this one is answered.
        assert _ask(receiver, "/") == 404
        started = monotonic()
    assert monotonic() - started < 5.0
    silent.close()


def test_connections_without_number_are_turned_away() -> None:
    with LoopbackReceiver(state=_STATE, expects=("code",), connection_seconds=60.0) as receiver:
        many = [socket.create_connection(("127.0.0.1", _port(receiver))) for _ in range(64)]
        with _connected(_port(receiver)) as one_more:
            assert one_more.recv(1) == b""
        for each in many:
            each.close()


def test_a_browser_that_hangs_up_early_has_answered_all_the_same(
    receiver: LoopbackReceiver,
) -> None:
    with _connected(_port(receiver)) as connection:
        connection.sendall(
            b"GET /callback?code=1&state=the-state HTTP/1.1\r\n"
            + f"Host: 127.0.0.1:{_port(receiver)}\r\n\r\n".encode()
        )
    assert _wait(receiver) == "1"


@pytest.mark.parametrize("request_", [b"GET /callback?", b"\x16\x03\x01\x00", b""])
def test_a_request_that_ends_in_the_middle_is_no_answer(
    receiver: LoopbackReceiver, request_: bytes
) -> None:
    with _connected(_port(receiver)) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_a_request_without_end_is_refused(receiver: LoopbackReceiver) -> None:
    with _connected(_port(receiver)) as connection:
        connection.sendall(b"GET /" + b"a" * 16_380)
        assert _status(connection) == 431


def test_a_browser_that_does_not_come_back_is_an_error(receiver: LoopbackReceiver) -> None:
    """AUTH-15: of a kind of its own, so that another login can be offered."""
    with pytest.raises(NoCallbackError, match=r"did not come back within 0\.01 s") as caught:
        _wait(receiver, 0.01)
    assert caught.value.code == "no_callback"


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:1/callback?code=1&state=the-state",
        "  http://localhost/callback?code=1&state=the-state#_=_\n",
        "?code=1&state=the-state",
    ],
)
def test_a_pasted_url_is_accepted(receiver: LoopbackReceiver, text: str) -> None:
    """AUTH-15"""
    assert receiver.accept_url(text)
    assert _wait(receiver) == "1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "code=1&state=the-state",
        "?code=1&state=another",
        "?code=1",
        "?state=the-state",
        "?code=1&state=the-state&state=x",
        "http://[::1/callback?code=1&state=\udcff",
    ],
)
def test_another_text_that_is_pasted_is_not(receiver: LoopbackReceiver, text: str) -> None:
    assert not receiver.accept_url(text)


def test_what_is_posted_is_passed_on_where_the_login_waits(receiver: LoopbackReceiver) -> None:
    notices: list[Notice] = []
    receiver.post(Warned(message="m", hint="h"))
    receiver.post(EOFError("It is over."))
    with pytest.raises(EOFError):
        receiver.wait(30.0, notify=notices.append)
    assert notices == [Warned(message="m", hint="h")]


def test_many_logins_at_once_do_not_mix() -> None:
    """AUTH-14"""
    states = [Secret(f"state-{number}") for number in range(8)]
    receivers = [LoopbackReceiver(state=state, expects=("code",)) for state in states]
    for receiver in receivers:
        receiver.__enter__()
    try:
        for number, receiver in reversed(list(enumerate(receivers))):
            wrong = f"/callback?code=x&state=state-{(number + 1) % 8}"
            assert _ask(receiver, wrong) == 403
            assert _ask(receiver, f"/callback?code={number}&state=state-{number}") == 200
        assert [_wait(receiver) for receiver in receivers] == [str(number) for number in range(8)]
    finally:
        for receiver in receivers:
            receiver.__exit__(None, None, None)
