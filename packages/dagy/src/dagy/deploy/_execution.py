"""Do what a plan says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagy.deploy._plan import DeploymentPlan
from dagy.deploy._storage import ArtifactPlace, OnProgress

if TYPE_CHECKING:
    from dagy_client import DagyClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What a server has deployed.

    Attributes:
        artifact_id: How the server calls the archive, where it keeps it itself.
        artifact_s3_uri: Where the archive is, otherwise.
        sha256: That of the archive.
        content_hash: That of what is in it.
        is_changed: Whether the server did not have all of that before.
    """

    deployment_name: str
    flow_name: str
    flow_version: str
    namespace: str
    tags: Mapping[str, str]
    artifact_id: str | None
    artifact_s3_uri: str | None
    sha256: str
    content_hash: str
    is_changed: bool


def carry_out(
    client: DagyClient, plan: DeploymentPlan, *, on_progress: OnProgress | None = None
) -> Deployed:
    """Upload the archive, register the version and deploy it; whatever is done already is not.

    The version and its deployment appear together, or neither does. A deployment that is there
    keeps its parameters.

    Args:
        on_progress: Is told how many bytes are sent, of how many.

    Raises:
        ConflictError: When the server has got this version with other content meanwhile.
        ArtifactError: When the archive cannot be read.
        NetworkError: When the server does not answer.
        PermissionDeniedError: When this is not allowed.
    """
    place = plan.place or plan.storage.upload(plan.archive, on_progress)
    if not plan.is_done:
        client.flows.register(
            plan.archive.flow_spec,
            namespace=plan.namespace,
            deployment_name=plan.deployment_name,
            tags=plan.tags,
            artifact_id=place.artifact_id,
            artifact_s3_uri=place.s3_uri,
        )
    return _deployed(plan, place)


def _deployed(plan: DeploymentPlan, place: ArtifactPlace) -> Deployed:
    spec = plan.archive.flow_spec
    return Deployed(
        deployment_name=plan.deployment_name,
        flow_name=spec.name,
        flow_version=spec.version,
        namespace=plan.namespace,
        tags=plan.tags,
        artifact_id=place.artifact_id,
        artifact_s3_uri=place.s3_uri,
        sha256=plan.archive.sha256,
        content_hash=plan.archive.manifest.content_hash,
        is_changed=not plan.is_done,
    )
