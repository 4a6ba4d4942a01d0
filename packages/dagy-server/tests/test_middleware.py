from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from dagy_server.limits import HEADER_BYTES
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.transactions import Call


@pytest.fixture(scope="module")
def extra_routers() -> tuple[Router, ...]:
    router = Router("streams")

    @route(router, "GET", "/broken", needs=Permission.RUNS_READ, operation="broken")
    async def broken(call: Call) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            raise ZeroDivisionError

        return StreamingResponse(parts())

    return (router,)


@pytest.mark.parametrize("path", ["/health", "/me", "/nothing", "/docs"])
def test_every_answer_has_an_id_a_level_and_is_safe_to_show(client: Any, path: str) -> None:
    headers = client.get(path).headers
    assert re.fullmatch("req_[a-z0-9]{20}", headers["X-Request-ID"])
    assert headers["Dagy-API-Level"] == "1"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "server" not in headers


def test_a_client_may_name_its_request(client: Any) -> None:
    for name in ("req_1", "a.b-c_9", "x" * 64):
        assert client.get("/health", headers={"X-Request-ID": name}).headers["X-Request-ID"] == name


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a\r\nSet-Cookie: b", "é", "../x", "-x"])
def test_sec_09_a_name_that_could_do_harm_in_a_log_or_a_header_is_replaced(
    client: Any, name: str
) -> None:
    answer = client.get("/health", headers={"X-Request-ID": name.encode("latin-1")})
    assert answer.headers["X-Request-ID"].startswith("req_")


def test_cors_is_closed(client: Any) -> None:
    answer = client.get("/me", headers={"Origin": "https://evil.example.com"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_an_answer_that_breaks_off_is_logged_and_not_answered_twice(
    client: Any, owner: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ZeroDivisionError):
        client.get("/broken", headers=owner.headers)
    assert "broke off" in caplog.text
    caplog.clear()


def test_headers_and_paths_may_have_so_many_bytes_together_sec_04(client: Any) -> None:
    """SEC-04"""
    few = sum(len(name) + len(value) for name, value in client.headers.raw)
    few += len("host") + len("127.0.0.1:8000") + len("/health") + len("x-large")
    assert client.get("/health", headers={"X-Large": "x" * (HEADER_BYTES - few)}).is_success
    answer = client.get("/health", headers={"X-Large": "x" * (HEADER_BYTES - few + 1)})
    assert answer.status_code == 431
    assert answer.json()["error"]["code"] == "headers_too_large"
