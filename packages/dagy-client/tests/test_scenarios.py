"""HTTP-06: what the API can do, with one and the same story for both clients."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagy_client import (
    ApiAuthError,
    ApiConflictError,
    ApiConnectionError,
    ApiNotFoundError,
    ApiUsageError,
    RetryPolicy,
)
from dagy_client.testing import AnswerCut, AnsweredInstead, AnswerLost, FakeServer, Unreachable
from dagy_types import (
    DeploymentRequest,
    FlowSpec,
    FlowVersion,
    LogRecord,
    Role,
    Run,
    RunStatus,
    TaskRun,
    TaskSpec,
    TaskStatus,
)
from dagy_types.errors import NotFoundError, UsageError

Connect = Callable[..., Any]
SPEC = FlowSpec(name="daily", version="1", tasks=(TaskSpec(task_id="load", name="load"),))


def test_whose_token_it_is_is_told_at_both_published_paths(connect: Connect) -> None:
    client = connect()
    assert client.me().user_email == "ada@example.org"
    assert client.me().role is Role.DEVELOPER
    assert client.users.me().org_name == "Fake"
    assert client.users.me().super_admin is False


def test_a_login_gives_a_token_and_a_logout_ends_it(connect: Connect) -> None:
    token = connect(auth=None).login("ada@example.org", "fake")
    client = connect(auth=token.access_token)
    assert client.me().user_email == "ada@example.org"
    assert client.logout() is None
    with pytest.raises(ApiAuthError, match="The token is not valid"):
        client.me()


@pytest.mark.parametrize(
    ("email", "password"), [("eve@example.org", "fake"), ("ada@example.org", "other")]
)
def test_a_login_of_somebody_unknown_is_refused(
    connect: Connect, email: str, password: str
) -> None:
    with pytest.raises(ApiAuthError, match="Nobody here has this address and password"):
        connect(auth=None).login(email, password)


def test_health_needs_no_token(connect: Connect, server: FakeServer) -> None:
    assert connect().health().status == "healthy"
    assert "authorization" not in server.requests[0].headers


def test_a_flow_is_registered_and_found_by_its_name_and_version(connect: Connect) -> None:
    client = connect()
    registered = client.flows.register(SPEC, namespace="team", tags={"a": "b"})
    assert isinstance(registered, FlowVersion)
    assert registered.flow_spec == SPEC
    assert client.flows.get("daily") == registered
    assert client.flows.get_version("daily", "1") == registered
    assert list(client.flows.list(namespace="team")) == [registered]
    assert list(client.flows.list(flow_name="other")) == []


def test_a_flow_version_cannot_get_another_graph(connect: Connect) -> None:
    client = connect()
    client.flows.register(SPEC)
    with pytest.raises(ApiConflictError, match="daily:1 is there"):
        client.flows.register(FlowSpec(name="daily", version="1"))


def test_a_deployment_is_made_listed_and_run(connect: Connect) -> None:
    client = connect()
    request = DeploymentRequest(
        deployment_name="nightly", flow_name="daily", schedule="0 3 * * *", parameters={"day": 1}
    )
    made = client.deployments.create(request)
    assert made.schedule == "0 3 * * *"
    assert client.deployments.get("nightly") == made
    assert list(client.deployments.list(flow_name="daily")) == [made]
    run = client.runs.trigger("nightly", parameters={"dry": True})
    assert (run.status, run.parameters) == (RunStatus.QUEUED, {"day": 1, "dry": True})


def test_a_registration_can_deploy_at_once(connect: Connect) -> None:
    client = connect()
    client.flows.register(SPEC, deployment_name="nightly")
    assert client.deployments.get("nightly").flow_version == "1"


def test_a_version_is_registered_with_its_archive_and_never_changes(
    connect: Connect, tmp_path: Path
) -> None:
    client = connect()
    archives = []
    for content in (b"one", b"two"):
        (tmp_path / "flow.zip").write_bytes(content)
        archives.append(client.artifacts.upload(tmp_path / "flow.zip"))
    one, two = (each.artifact_id for each in archives)
    made = client.flows.register(SPEC, artifact_id=one, namespace="a", deployment_name="nightly")
    assert (made.artifact_id, made.deployment_name) == (one, "nightly")
    assert client.deployments.get("nightly").artifact_id == one
    again = client.flows.register(SPEC, artifact_id=one, tags={"env": "prod"})
    assert (again.tags, again.created_at) == ({"env": "prod"}, made.created_at)
    for other in ({"artifact_id": two}, {"namespace": "b"}, {"artifact_s3_uri": "s3://a/b"}):
        with pytest.raises(ApiConflictError):
            client.flows.register(SPEC, **other)
    with pytest.raises(ApiNotFoundError):
        client.flows.register(replace(SPEC, version="9"), artifact_id="art_unknown")


def test_an_archive_is_found_by_its_hash_and_kept_once(connect: Connect, tmp_path: Path) -> None:
    client = connect()
    path = tmp_path / "flow.zip"
    path.write_bytes(b"an archive")
    with pytest.raises(ApiNotFoundError):
        client.artifacts.find("0" * 64)
    kept = client.artifacts.upload(path)
    assert client.artifacts.upload(path).artifact_id == kept.artifact_id
    assert client.artifacts.find(kept.sha256).artifact_id == kept.artifact_id


def test_a_run_is_triggered_cancelled_and_retried(connect: Connect) -> None:
    client = connect()
    run = client.runs.trigger(flow_name="daily", flow_version="2")
    assert client.runs.get(run.run_id) == run
    assert client.runs.cancel(run.run_id).status is RunStatus.CANCELLED
    with pytest.raises(ApiConflictError, match="has ended"):
        client.runs.cancel(run.run_id)
    again = client.runs.retry(run.run_id)
    assert (again.resumed_from, again.flow_version) == (run.run_id, "2")
    with pytest.raises(ApiConflictError, match="is QUEUED"):
        client.runs.retry(again.run_id)


@pytest.mark.parametrize("arguments", [{}, {"deployment_name": "a", "flow_name": "b"}])
def test_a_run_is_of_a_deployment_or_of_a_flow(connect: Connect, arguments: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="one of them"):
        connect().runs.trigger(**arguments)


def test_what_is_not_there_is_an_error_that_names_it(connect: Connect) -> None:
    client = connect()
    for ask in (client.runs.get, client.flows.get, client.deployments.get, client.runs.cancel):
        with pytest.raises(NotFoundError, match=r"No such .*: 'nothing'") as caught:
            ask("nothing")
        assert isinstance(caught.value, ApiNotFoundError)
        assert caught.value.request_id is not None


def test_runs_are_filtered_by_the_server(
    connect: Connect, server: FakeServer, new_run: Callable[..., Run]
) -> None:
    server.add_run(new_run("r1", status=RunStatus.FAILED))
    server.add_run(new_run("r2", flow_name="other"))
    server.add_run(new_run("r3"))
    client = connect()
    assert [run.run_id for run in client.runs.list()] == ["r3", "r2", "r1"]
    assert [run.run_id for run in client.runs.list(status=RunStatus.FAILED)] == ["r1"]
    assert [run.run_id for run in client.runs.list(status="SUCCEEDED")] == ["r3", "r2"]
    assert [run.run_id for run in client.runs.list(flow_name="other")] == ["r2"]
    assert list(client.runs.list(since=server.runs[0].created_at, limit=2))[1].run_id == "r2"


def test_the_tasks_of_a_run_come_in_their_order(
    connect: Connect, server: FakeServer, new_run: Callable[..., Run]
) -> None:
    tasks = [
        TaskRun(run_id="r1", task_id=f"t{number}", name="t", status=TaskStatus.SUCCEEDED)
        for number in range(1_100)
    ]
    server.add_run(new_run(), tasks=tasks)
    assert list(connect().task_runs.list("r1")) == tasks
    assert len(server.requests) == 2


def test_logs_are_added_and_read_by_page_or_as_a_stream(
    connect: Connect,
    server: FakeServer,
    new_run: Callable[..., Run],
    new_log: Callable[..., LogRecord],
) -> None:
    server.add_run(new_run())
    records = [new_log(f"line {number}", task_id="t") for number in range(120)]
    client = connect()
    assert client.runs.append_logs("r1", records) is None
    assert list(client.runs.logs("r1")) == records
    assert list(client.runs.logs("r1", follow=True)) == records
    assert list(client.runs.logs("r1", task="other", follow=True)) == []


def test_a_file_goes_to_the_server_and_back(connect: Connect, tmp_path: Path) -> None:
    source = tmp_path / "a.zip"
    source.write_bytes(b"x" * 3_000_000)
    client = connect()
    seen: list[tuple[int, int]] = []
    kept = client.artifacts.upload(source, on_progress=lambda *each: seen.append(each))
    assert (kept.size_bytes, seen[-1]) == (3_000_000, (3_000_000, 3_000_000))
    seen.clear()
    target = tmp_path / "b.zip"
    got = client.artifacts.download(
        kept.artifact_id, target, on_progress=lambda *each: seen.append(each)
    )
    assert got == target
    assert target.read_bytes() == source.read_bytes()
    assert seen[-1] == (3_000_000, 3_000_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip"]


def test_an_api_key_is_told_once_and_works_until_it_is_deleted(connect: Connect) -> None:
    client = connect()
    key = client.api_keys.create("ci", scopes=["runs.read"])
    (listed,) = client.api_keys.list()
    assert (listed.name, listed.scopes) == ("ci", ("runs.read",))
    assert key.key not in repr(key)
    assert connect(auth=key.key).me().user_email == "ada@example.org"
    assert client.api_keys.delete(key.key_id) is None
    with pytest.raises(ApiAuthError):
        connect(auth=key.key).me()


def test_anything_can_be_asked_for(connect: Connect, server: FakeServer) -> None:
    client = connect()
    assert client.request("GET", "/me")["user_email"] == "ada@example.org"
    assert server.requests[0].headers["authorization"] == "Bearer dagy_at_fake"
    run = client.request("POST", "/runs", json={"flow_name": "daily"}, idempotency_key="k1")
    assert client.request("GET", f"/runs/{run['run_id']}")["flow_name"] == "daily"
    assert client.request("GET", "/runs", query={"limit": 1, "cursor": None})["items"]
    assert client.request("POST", "/auth/logout") is None


def test_what_is_no_json_is_given_as_it_is(connect: Connect, server: FakeServer) -> None:
    server.faults.append(AnsweredInstead(200, b"plain", {"Content-Type": "text/plain"}))
    assert connect().request("GET", "/anything") == b"plain"


@pytest.mark.parametrize("path", ["", "me", "//evil.test", "/a b", "/a?b=c", "/a#b", "/../x", "/é"])
def test_only_a_path_can_be_asked_for(connect: Connect, path: str) -> None:
    with pytest.raises(UsageError, match="no path of the API"):
        connect().request("GET", path)


def test_only_a_method_of_http_can_be_used(connect: Connect) -> None:
    with pytest.raises(UsageError, match="no HTTP method"):
        connect().request("GET /x", "/me")


def test_every_answer_can_be_had_whole(connect: Connect, new_run: Callable[..., Run]) -> None:
    client = connect()
    raw = client.with_raw_response
    answer = raw.me()
    assert (answer.status, answer.value.user_email) == (200, "ada@example.org")
    assert answer.headers["x-ratelimit-limit"] == "120"
    assert answer.json()["org_id"] == "org_1"
    assert (answer.attempts, answer.is_replayed) == (1, False)
    raw.runs.trigger(flow_name="daily", idempotency_key="k1")
    assert raw.runs.trigger(flow_name="daily", idempotency_key="k1").is_replayed
    page = raw.runs.list(limit=1)
    assert (len(page.value.items), page.value.next_cursor) == (1, None)
    assert raw.runs.logs(page.value.items[0].run_id).value.items == ()
    with pytest.raises(UsageError, match="not JSON"):
        raw.logout().json()


def test_a_live_stream_has_no_raw_response(connect: Connect) -> None:
    with pytest.raises(UsageError, match="may take many"):
        connect().with_raw_response.runs.logs("r1", follow=True)


def test_a_call_outlives_a_server_that_comes_and_goes(connect: Connect, server: FakeServer) -> None:
    server.faults.extend([Unreachable(), AnsweredInstead(503), AnswerCut(5), None])
    answer = connect().with_raw_response.me()
    assert (answer.value.role, answer.attempts) == (Role.DEVELOPER, 4)


def test_a_call_ends_when_all_its_attempts_have_failed(
    connect: Connect, server: FakeServer
) -> None:
    server.faults.extend([Unreachable()] * 9)
    with pytest.raises(ApiConnectionError, match="reached: Connection refused") as caught:
        connect().me()
    assert caught.value.details.attempts == 4
    assert len(server.requests) == 4


@pytest.mark.parametrize("share", [0.3])
def test_a_thousand_creates_through_lost_answers_make_a_thousand_runs(
    connect: Connect, server: FakeServer, share: float
) -> None:
    """HTTP-02."""
    client = connect(retry=RetryPolicy(max_attempts=20))
    dice = random.Random(7)
    for _ in range(1000):
        while dice.random() < share:
            server.faults.append(AnswerLost())
        server.faults.append(None)
        client.runs.trigger(flow_name="daily")
    assert len(server.runs) == 1000
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert len(set(keys)) == 1000 < len(keys)


def test_the_same_key_with_another_request_is_refused(connect: Connect) -> None:
    client = connect()
    client.runs.trigger(flow_name="daily", idempotency_key="k1")
    with pytest.raises(ApiUsageError, match="another request's") as caught:
        client.runs.trigger(flow_name="other", idempotency_key="k1")
    assert caught.value.status == 422


def test_what_has_no_key_is_sent_once(connect: Connect, server: FakeServer) -> None:
    server.faults.append(AnswerLost())
    with pytest.raises(ApiConnectionError, match="broke the connection off"):
        connect().request("POST", "/runs", json={"flow_name": "daily"})
    assert len(server.requests) == len(server.runs) == 1
