from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy.deploy import Archive, carry_out, plan_deployment, read_archive
from dagy_client.testing import AnswerLost, FakeServer
from dagy_types import DeploymentRequest
from dagy_types.errors import ConflictError, NotFoundError

Packed = Callable[..., Archive]


def test_an_archive_is_uploaded_registered_and_deployed(
    client: Any, packed: Packed, writes: Callable[[], list[str]], tmp_path: Path
) -> None:
    archive, seen = packed(), []
    plan = plan_deployment(client, archive, deployment_name="nightly", namespace="a")
    done = carry_out(client, plan, on_progress=lambda *each: seen.append(each))
    assert writes() == ["POST /artifacts", "POST /flows"]
    assert seen[-1] == (archive.size_bytes, archive.size_bytes)
    assert done.is_changed
    assert (done.deployment_name, done.flow_name, done.flow_version) == ("nightly", "daily", "1")
    assert (done.sha256, done.content_hash) == (archive.sha256, archive.manifest.content_hash)
    assert client.flows.get_version("daily", "1").artifact_id == done.artifact_id
    deployment = client.deployments.get("nightly")
    assert (deployment.artifact_id, deployment.namespace) == (done.artifact_id, "a")
    assert deployment.tags == {"team": "data"}
    copy = client.artifacts.download(done.artifact_id, tmp_path / "copy.zip")
    assert copy.read_bytes() == archive.path.read_bytes()


def test_a_deployment_keeps_its_parameters(client: Any, packed: Packed) -> None:
    carry_out(client, plan_deployment(client, packed()))
    request = DeploymentRequest(
        deployment_name="daily", flow_name="daily", flow_version="1", parameters={"day": 1}
    )
    client.deployments.create(request)
    carry_out(client, plan_deployment(client, packed(version="2")))
    deployment = client.deployments.get("daily")
    assert (deployment.flow_version, deployment.parameters) == ("2", {"day": 1})


def test_a_deployment_whose_answers_are_lost_is_there_once(
    client: Any, server: FakeServer, packed: Packed
) -> None:
    plan = plan_deployment(client, packed())
    server.faults.extend([AnswerLost(), None, AnswerLost()])
    carry_out(client, plan)
    assert len(list(client.flows.list())) == 1
    assert len(list(client.deployments.list())) == 1


def test_a_file_that_changes_after_it_was_verified_is_not_deployed(
    client: Any, build: Callable[..., Path]
) -> None:
    path = build()
    plan = plan_deployment(client, read_archive(path))
    path.write_bytes(build(number=2).read_bytes())
    with pytest.raises(ConflictError, match="has changed since it was verified"):
        carry_out(client, plan)
    with pytest.raises(NotFoundError):
        client.flows.get("daily")


def test_a_version_that_somebody_else_registers_meanwhile_is_a_conflict(
    client: Any, packed: Packed
) -> None:
    plan = plan_deployment(client, packed())
    carry_out(client, plan_deployment(client, packed(number=2)))
    with pytest.raises(ConflictError):
        carry_out(client, plan)
