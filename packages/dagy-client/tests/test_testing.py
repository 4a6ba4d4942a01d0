"""The fake server, for the tests of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from dagy_client import OPERATIONS, ApiNotFoundError, ApiUsageError, DagyClient
from dagy_client.testing import (
    AnswerCut,
    AnsweredInstead,
    AnswerLost,
    FakeServer,
    Script,
    Unreachable,
    fake_server,
)
from dagy_client.testing._handlers import HANDLERS
from dagy_types import FlowVersion, LogRecord, Run, RunStatus


def test_a_fake_server_is_one_line_away() -> None:
    """HTTP-10."""
    with fake_server() as client:
        assert client.me().user_email == "ada@example.org"


def test_it_does_every_operation() -> None:
    assert set(HANDLERS) == {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize(
    "base_url", ["https://dagy.test", "http://localhost:8000/app", "https://d/v1/"]
)
def test_it_is_where_it_is_said_to_be(base_url: str) -> None:
    server = FakeServer(base_url=base_url, token="t0ken", email="me@example.org")
    with server.client() as client:
        assert client.me().user_email == "me@example.org"
    other = DagyClient("https://dagy.test/elsewhere/v2", "t0ken", transport=server.transport())
    with other as client, pytest.raises(ApiNotFoundError, match="nothing here"):
        client.me()


def test_it_is_at_a_port_for_other_processes(tmp_path: Path) -> None:
    server = FakeServer()
    (tmp_path / "flow.zip").write_bytes(b"x" * 3_000_000)
    with server.listening() as url, DagyClient(url, "dagy_at_fake") as client:
        kept = client.artifacts.upload(tmp_path / "flow.zip")
        assert kept.size_bytes == 3_000_000
        copy = client.artifacts.download(kept.artifact_id, tmp_path / "copy.zip")
        assert copy.read_bytes() == b"x" * 3_000_000
        key = client.api_keys.create("ci", scopes=["flows.read"])
        assert [each.key_id for each in client.api_keys.list(limit=5)] == [key.key_id]
        client.api_keys.delete(key.key_id)
        with pytest.raises(ApiNotFoundError):
            client.api_keys.delete(key.key_id)


def test_its_faults_are_those_of_a_network(new_run: Callable[..., Run]) -> None:
    server = FakeServer()
    server.add_run(new_run())
    with server.listening() as url, DagyClient(url, "dagy_at_fake", sleep=lambda _: None) as client:
        server.faults.extend([Unreachable(), AnswerLost(), AnswerCut(5)])
        assert client.runs.get("r1").run_id == "r1"
    assert len(server.requests) == 4


def test_what_it_is_given_is_there(
    new_run: Callable[..., Run], new_log: Callable[..., LogRecord]
) -> None:
    server = FakeServer()
    server.add_run(new_run(status=RunStatus.RUNNING), logs=[new_log("a")])
    server.add_run(new_run(), logs=[new_log("b")])
    server.add_flow(FlowVersion(flow_name="daily"))
    with server.client() as client:
        assert [each.message for each in client.runs.logs("r1")] == ["a", "b"]
        assert client.flows.get("daily").flow_version == "latest"
    server.remove_run("r1")
    assert server.runs == []


@pytest.mark.parametrize("body", ["{", "[]", '{"email": 5}'])
def test_it_refuses_what_does_not_fit(body: str) -> None:
    with httpx.Client(transport=FakeServer().transport()) as client:
        answer = client.post("https://dagy.test/v1/auth/login", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["request_id"] == answer.headers["X-Request-ID"]


def test_it_refuses_a_run_of_nothing_and_a_changed_archive() -> None:
    with FakeServer().client() as client:
        with pytest.raises(ApiUsageError, match="of a deployment or of a flow"):
            client.request("POST", "/runs", json={})
        with pytest.raises(ApiUsageError, match="not the one that was announced"):
            client.request("POST", "/artifacts", json={})


def test_what_goes_wrong_is_in_the_order_that_was_asked_for() -> None:
    server = FakeServer()
    server.faults.extend([None, AnsweredInstead(404)])
    with server.client() as client:
        client.me()
        with pytest.raises(ApiNotFoundError):
            client.me()
        client.me()


def test_it_sees_what_arrives_without_showing_secrets() -> None:
    server = FakeServer(token="s3cret")
    with server.client() as client:
        client.login("ada@example.org", "fake")
        client.me()
    assert [(each.method, each.path) for each in server.requests] == [
        ("POST", "/auth/login"),
        ("GET", "/me"),
    ]
    assert "s3cret" not in repr(server.requests)


def test_a_script_gives_its_outcomes_in_order() -> None:
    def third(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=request.method)

    script = Script(httpx.Response(500), httpx.ReadError("x"), third)
    with httpx.Client(transport=httpx.MockTransport(script)) as client:
        assert client.get("https://a.test").status_code == 500
        with pytest.raises(httpx.ReadError):
            client.get("https://a.test")
        assert [client.get("https://a.test").text for _ in range(2)] == ["GET", "GET"]
    assert len(script.requests) == 4


def test_a_client_of_it_takes_the_options_of_any_client(clock: Any) -> None:
    server = FakeServer()
    server.faults.append(AnsweredInstead(503))
    with server.client(sleep=clock.sleep, random=lambda: 0.5) as client:
        client.me()
    assert clock.sleeps == [0.25]
