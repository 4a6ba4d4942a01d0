"""Flows, deployments and archives of the fake server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from hashlib import sha256

from dagy_client.testing._arrangement import body, matches, page
from dagy_client.testing._messages import RefusedError, Reply, SeenRequest
from dagy_client.testing._state import Handler, State
from dagy_types import (
    ArtifactInfo,
    Deployment,
    DeploymentRequest,
    FlowRegistration,
    FlowVersion,
)

_RANGE = re.compile(r"bytes=(\d+)-", re.ASCII)
_CHUNK_BYTES = 64 * 1024


def _list_flows(state: State, request: SeenRequest) -> tuple[list[FlowVersion], str | None]:
    return page(state.flows, request, matches(request.query, "flow_name", "namespace"))


def _register(state: State, request: SeenRequest) -> FlowVersion:
    asked = body(FlowRegistration, request)
    spec = asked.flow_spec
    name = f"{spec.name}:{spec.version}"
    present = {f"{each.flow_name}:{each.flow_version}": each for each in state.flows.all()}
    flow = _same(present[name], asked) if name in present else _new_version(state, asked)
    state.flows.put(name, replace(flow, tags=asked.tags or flow.tags))
    flow = state.flows.get(name)
    if asked.deployment_name is not None:
        _deploy_version(state, asked.deployment_name, flow)
    return replace(flow, deployment_name=asked.deployment_name)


def _same(present: FlowVersion, asked: FlowRegistration) -> FlowVersion:
    different = {
        "graph": present.flow_spec != asked.flow_spec,
        "namespace": asked.namespace not in (None, present.namespace),
        "artifact": asked.artifact_id not in (None, present.artifact_id)
        or asked.artifact_s3_uri not in (None, present.artifact_s3_uri),
    }
    if any(different.values()):
        what = " and ".join(name for name, is_different in different.items() if is_different)
        name = f"{present.flow_name}:{present.flow_version}"
        raise RefusedError(409, "flow_version_exists", f"{name} is there, with another {what}.")
    return present


def _new_version(state: State, asked: FlowRegistration) -> FlowVersion:
    if asked.artifact_id is not None:
        state.artifacts.get(asked.artifact_id)
    return FlowVersion(
        flow_name=asked.flow_spec.name,
        flow_version=asked.flow_spec.version,
        namespace=asked.namespace or "",
        tags=asked.tags or asked.flow_spec.tags,
        flow_spec=asked.flow_spec,
        artifact_id=asked.artifact_id,
        artifact_s3_uri=asked.artifact_s3_uri,
        created_at=state.now(),
    )


def _get_flow(state: State, request: SeenRequest) -> FlowVersion:
    name = request.values["name"]
    versions = [each for each in state.flows.all() if each.flow_name == name]
    return versions[-1] if versions else state.flows.get(name)


def _get_flow_version(state: State, request: SeenRequest) -> FlowVersion:
    return state.flows.get(f"{request.values['name']}:{request.values['version']}")


def _list_deployments(state: State, request: SeenRequest) -> tuple[list[Deployment], str | None]:
    return page(state.deployments, request, matches(request.query, "flow_name", "namespace"))


def _create_deployment(state: State, request: SeenRequest) -> Deployment:
    return _deploy(state, body(DeploymentRequest, request))


def _deploy(state: State, asked: DeploymentRequest) -> Deployment:
    given = {each.name: getattr(asked, each.name) for each in fields(asked)}
    deployment = Deployment(**{**given, "namespace": asked.namespace or ""})
    deployment = replace(deployment, created_at=state.now(), updated_at=state.now())
    return state.deployments.put(asked.deployment_name, deployment)


def _deploy_version(state: State, name: str, flow: FlowVersion) -> None:
    present = {each.deployment_name: each for each in state.deployments.all()}
    now = state.now()
    before = present.get(
        name, Deployment(deployment_name=name, flow_name=flow.flow_name, created_at=now)
    )
    bound = replace(
        before,
        flow_name=flow.flow_name,
        flow_version=flow.flow_version,
        namespace=flow.namespace,
        tags=flow.tags,
        artifact_id=flow.artifact_id,
        updated_at=now,
    )
    state.deployments.put(name, bound)


def _get_deployment(state: State, request: SeenRequest) -> Deployment:
    return state.deployments.get(request.values["name"])


def _upload(state: State, request: SeenRequest) -> ArtifactInfo:
    digest = sha256(request.body).hexdigest()
    if request.headers.get("x-content-sha256") != digest:
        raise RefusedError(422, "checksum", "The archive is not the one that was announced.")
    known = state.artifact_ids.get(digest)
    artifact_id = state.new_id("art") if known is None else known
    state.artifact_ids[digest] = artifact_id
    state.artifacts.put(artifact_id, request.body)
    return _artifact_info(state, artifact_id, digest)


def _find(state: State, request: SeenRequest) -> ArtifactInfo:
    digest = request.values["sha256"]
    return _artifact_info(state, state.artifact_ids.get(digest, digest), digest)


def _artifact_info(state: State, artifact_id: str, digest: str) -> ArtifactInfo:
    data = state.artifacts.get(artifact_id)
    return ArtifactInfo(artifact_id=artifact_id, sha256=digest, size_bytes=len(data))


def _download(state: State, request: SeenRequest) -> Reply:
    data = state.artifacts.get(request.values["artifact_id"])
    digest = sha256(data).hexdigest()
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    is_same = request.headers.get("if-range", f'"{digest}"') == f'"{digest}"'
    start = int(asked[1]) if asked and is_same else 0
    if asked and start >= len(data):
        raise RefusedError(416, "no_such_range", "There is nothing after that.")
    part = data[start:]
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(part)),
        "ETag": f'"{digest}"',
        "X-Content-SHA256": digest,
    }
    if start:
        headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    chunks = tuple(part[at : at + _CHUNK_BYTES] for at in range(0, len(part), _CHUNK_BYTES))
    return Reply(status=206 if start else 200, headers=headers, chunks=chunks)


HANDLERS: Mapping[str, Handler] = {
    "flows.list": _list_flows,
    "flows.register": _register,
    "flows.get": _get_flow,
    "flows.get_version": _get_flow_version,
    "deployments.list": _list_deployments,
    "deployments.create": _create_deployment,
    "deployments.get": _get_deployment,
    "artifacts.upload": _upload,
    "artifacts.find": _find,
    "artifacts.download": _download,
}
