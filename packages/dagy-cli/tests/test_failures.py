"""CLI-07: each way in which a command can fail, and its exit code."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagy_client import RetryPolicy
from dagy_client.testing import AnsweredInstead, FakeServer

MANY = 9
"""More than there are attempts."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait between the attempts."""
    at_once = RetryPolicy(base_seconds=0.0)
    monkeypatch.setattr("dagy_client._client.RetryPolicy", lambda: at_once)


@pytest.fixture
def plain_server() -> Iterator[str]:
    """A port that answers to everything, and does not know TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        is_over = threading.Event()

        def answer() -> None:
            while not is_over.is_set():
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        is_over.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, 3), (403, 7), (404, 5), (409, 6), (412, 6), (429, 4), (500, 4), (503, 4)],
)
def test_cli_07_the_status_of_an_answer_decides(
    status: int, code: int, api_server: FakeServer, dagy: Callable[..., Any]
) -> None:
    api_server.faults.extend([AnsweredInstead(status)] * MANY)
    ended = dagy("flows", "list")
    assert (ended.code, ended.out) == (code, "")
    assert len(ended.err.splitlines()) <= 3
    assert "Traceback" not in ended.err


def test_cli_07_an_answer_that_is_no_json(api_server: FakeServer, dagy: Callable[..., Any]) -> None:
    body = {"Content-Type": "application/json"}
    api_server.faults.extend([AnsweredInstead(200, b"{", body)] * MANY)
    ended = dagy("flows", "list")
    assert ended.code == 4
    assert len(ended.err.splitlines()) <= 3


@pytest.mark.parametrize("url", ["http://absent.invalid", "http://127.0.0.1:9"])
def test_cli_06_a_server_that_is_not_there(
    url: str, dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_API_URL", url)
    monkeypatch.setenv("DAGY_TOKEN", "dagy_at_fake")
    ended = dagy("flows", "list")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith(f"error: {url} cannot be reached")
    assert f"{url} (DAGY_API_URL)" in ended.err
    assert len(ended.err.splitlines()) <= 3


def test_cli_07_a_server_without_tls(
    plain_server: str, dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_API_URL", f"https://{plain_server}")
    monkeypatch.setenv("DAGY_TOKEN", "dagy_at_fake")
    ended = dagy("flows", "list")
    assert (ended.code, ended.out) == (4, "")
    assert "hint: " in ended.err


def test_cli_07_a_wrong_option_and_a_broken_record(
    dagy: Callable[..., Any], local_dir: Path
) -> None:
    assert dagy("runs", "list", "--limt", "5").code == 2
    local_dir.mkdir(mode=0o700)
    (local_dir / "dagy.db").write_bytes(b"noise" * 1000)
    assert dagy("runs", "list").code == 9
