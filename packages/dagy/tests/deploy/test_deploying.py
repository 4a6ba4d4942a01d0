"""Over real HTTP: the fake server behind a socket, as programs reach a server."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagy import Flow
from dagy.deploy import deploy_artifact, upload_artifact_via_api
from dagy_client.testing import FakeServer
from dagy_types.errors import AuthError, ConflictError


@pytest.fixture
def url(server: FakeServer) -> Iterator[str]:
    with server.listening() as url:
        yield url


@pytest.fixture
def environ(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGY_API_URL", url)
    monkeypatch.setenv("DAGY_TOKEN", "dagy_at_fake")


def test_an_archive_is_deployed_with_all_said(
    url: str, build: Callable[..., Path], client: Any, tmp_path: Path
) -> None:
    done = deploy_artifact(
        artifact_path=build(),
        deployment_name="nightly",
        flow_name="daily",
        flow_version="1",
        api_url=url,
        auth="dagy_at_fake",
        namespace="a",
        tags={"env": "prod"},
        environ={},
    )
    assert done.is_changed
    assert client.deployments.get("nightly").tags == {"env": "prod"}
    assert not list(tmp_path.rglob("imported"))


@pytest.mark.usefixtures("environ")
def test_the_same_archive_again_changes_nothing(build: Callable[..., Path]) -> None:
    path = build()
    assert deploy_artifact(path).is_changed
    assert not deploy_artifact(path).is_changed
    with pytest.raises(ConflictError):
        deploy_artifact(build(number=2))


def test_a_token_that_is_not_taken_is_told(url: str, build: Callable[..., Path]) -> None:
    with pytest.raises(AuthError) as caught:
        deploy_artifact(build(), api_url=url, auth="dagy_at_other", environ={})
    assert "dagy_at_other" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.usefixtures("environ")
def test_an_archive_is_uploaded_once_and_nothing_is_deployed(
    build: Callable[..., Path], client: Any, writes: Callable[[], list[str]]
) -> None:
    path = build()
    artifact_id = upload_artifact_via_api(path)
    assert upload_artifact_via_api(path) == artifact_id
    assert writes() == ["POST /artifacts"]
    assert list(client.flows.list()) == []


@pytest.fixture
def daily(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flow[[], int]:
    """A flow in a file two directories below the current one."""
    directory = tmp_path / "here" / "data" / "ingestion"
    directory.mkdir(parents=True)
    (directory / "deployed_flow.py").write_text(
        "from dagy import flow, task\n@task\ndef one() -> int:\n    return 1\n"
        "@flow\ndef daily() -> int:\n    return one()\n"
    )
    monkeypatch.chdir(tmp_path / "here")
    spec = importlib.util.spec_from_file_location("deployed_flow", directory / "deployed_flow.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "deployed_flow", module)
    spec.loader.exec_module(module)
    found = module.daily
    assert isinstance(found, Flow)
    return found


@pytest.mark.usefixtures("environ")
def test_a_flow_deploys_itself_in_the_namespace_of_its_directory(
    daily: Flow[[], int], monkeypatch: pytest.MonkeyPatch, client: Any
) -> None:
    done = daily.deploy()
    assert (done.deployment_name, done.namespace, done.is_changed) == (
        "daily",
        "data/ingestion",
        True,
    )
    monkeypatch.chdir("data")  # the registered version has its namespace, and keeps it
    assert not daily.deploy().is_changed
    assert daily.deploy(name="nightly", namespace="data/ingestion", tags={"a": "b"}).is_changed
    assert client.deployments.get("nightly").tags == {"a": "b"}


@pytest.mark.usefixtures("environ")
def test_a_flow_elsewhere_has_no_namespace(
    daily: Flow[[], int], monkeypatch: pytest.MonkeyPatch, local_directory: Path
) -> None:
    local_directory.mkdir()
    monkeypatch.chdir(local_directory)
    assert daily.deploy().namespace == ""
    assert [path.suffix for path in (local_directory / "builds").iterdir()] == [".zip"]
