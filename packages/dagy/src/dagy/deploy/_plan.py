"""What there is to do until a server has an archive deployed: reads only, changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagy.deploy._archive import Archive
from dagy.deploy._storage import ArtifactPlace, ArtifactStorage, ServerStorage
from dagy.deploy._task_changes import TaskChanges, task_changes
from dagy_types import Deployment, FlowVersion
from dagy_types.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from dagy_client import DagyClient


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPlan:
    """What a server will have, and what it has.

    Attributes:
        storage: What keeps the archive.
        place: Where the archive is kept already; ``None`` when it has to be uploaded.
        registered: This version of the flow, if the server has it.
        deployed: The deployment of this name, if the server has it.
        compared_with: What tasks are compared with: the version that is deployed, or else the
            newest one.
    """

    archive: Archive
    storage: ArtifactStorage
    deployment_name: str
    namespace: str
    tags: Mapping[str, str]
    place: ArtifactPlace | None
    registered: FlowVersion | None
    deployed: Deployment | None
    compared_with: FlowVersion | None

    @property
    def task_changes(self) -> TaskChanges:
        """The tasks that are added, changed and removed."""
        before = None if self.compared_with is None else self.compared_with.flow_spec
        return task_changes(before, self.archive.flow_spec)

    @property
    def is_done(self) -> bool:
        """Whether the server has all of it already."""
        version, deployment, spec = self.registered, self.deployed, self.archive.flow_spec
        if self.place is None or version is None or deployment is None:
            return False
        return version.tags == self.tags and (
            (deployment.flow_name, deployment.flow_version) == (spec.name, spec.version)
            and (deployment.namespace, deployment.tags) == (self.namespace, self.tags)
            and deployment.artifact_id == version.artifact_id
        )


def plan_deployment(
    client: DagyClient,
    archive: Archive,
    *,
    deployment_name: str | None = None,
    namespace: str | None = None,
    usual_namespace: str = "",
    tags: Mapping[str, str] | None = None,
    storage: ArtifactStorage | None = None,
) -> DeploymentPlan:
    """Ask a server what it has, and return what there is to do.

    Args:
        deployment_name: By default the name of the flow.
        namespace: By default that of the registered version.
        usual_namespace: That of a new version, when none is given.
        tags: By default those of the registered version, or else those of the flow.
        storage: What keeps the archive; by default the server.

    Raises:
        ConflictError: When the server has this version of the flow with other content, or in
            another namespace.
        NetworkError: When the server does not answer.
    """
    spec, storage = archive.flow_spec, storage or ServerStorage(client)
    name = deployment_name or spec.name
    registered = _version(client, spec.name, spec.version)
    place = storage.find(archive)
    if registered is not None:
        _require_same(registered, archive, place)
        _require_namespace(registered, namespace)
        usual_namespace = registered.namespace
    deployed = _deployment(client, name)
    return DeploymentPlan(
        archive=archive,
        storage=storage,
        deployment_name=name,
        namespace=usual_namespace if namespace is None else namespace,
        tags=tags or (spec if registered is None else registered).tags,
        place=place,
        registered=registered,
        deployed=deployed,
        compared_with=_compared_with(client, deployed, registered, spec.name),
    )


def _version(client: DagyClient, name: str, version: str) -> FlowVersion | None:
    try:
        return client.flows.get_version(name, version)
    except NotFoundError:
        return None


def _deployment(client: DagyClient, name: str) -> Deployment | None:
    try:
        return client.deployments.get(name)
    except NotFoundError:
        return None


def _compared_with(
    client: DagyClient,
    deployed: Deployment | None,
    registered: FlowVersion | None,
    flow_name: str,
) -> FlowVersion | None:
    if deployed is not None:
        return _version(client, deployed.flow_name, deployed.flow_version)
    try:
        return registered or client.flows.get(flow_name)
    except NotFoundError:
        return None


def _require_same(registered: FlowVersion, archive: Archive, place: ArtifactPlace | None) -> None:
    kept = ArtifactPlace(artifact_id=registered.artifact_id, s3_uri=registered.artifact_s3_uri)
    if registered.flow_spec != archive.flow_spec or kept != place:
        raise ConflictError(
            f"The server has a version {registered.flow_version!r} of flow "
            f"{registered.flow_name!r} already, with other content.",
            hint="A version never changes. Give the flow another one, as in "
            '@flow(version="2"), and build and deploy it again.',
        )


def _require_namespace(registered: FlowVersion, namespace: str | None) -> None:
    if namespace not in (None, registered.namespace):
        raise ConflictError(
            f"Version {registered.flow_version!r} of flow {registered.flow_name!r} is in the "
            f"namespace {registered.namespace!r}, and not in {namespace!r}.",
            hint="A version stays where it is. Leave out the namespace, or give the flow another "
            "version.",
        )
