"""Deploy in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagy.building import plan_artifact, write_artifact
from dagy.deploy._archive import read_archive
from dagy.deploy._connection import connected
from dagy.deploy._execution import Deployed, carry_out
from dagy.deploy._plan import plan_deployment
from dagy.deploy._storage import OnProgress, ServerStorage

if TYPE_CHECKING:
    from dagy._flow import Flow
    from dagy_types import TokenSource


def deploy_artifact(
    artifact_path: str | os.PathLike[str],
    *,
    deployment_name: str | None = None,
    flow_name: str | None = None,
    flow_version: str | None = None,
    api_url: str | None = None,
    auth: str | TokenSource | None = None,
    namespace: str | None = None,
    tags: Mapping[str, str] | None = None,
    on_progress: OnProgress | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Deployed:
    """Deploy an archive: upload it, register the flow in it, and give it a name to run under.

    What the server has already is left alone; ``is_changed`` of the result tells whether anything
    was to do.

    Args:
        artifact_path: The archive, as `dagy.build_artifact` makes them.
        deployment_name: By default the name of the flow.
        flow_name: The archive says it; given, it has to agree. So ``flow_version``.
        api_url: Where the server is; by default what ``DAGY_API_URL`` says.
        auth: A token or API key, or what gives tokens; by default what ``DAGY_TOKEN`` says.
        namespace: Of a new version of the flow; it keeps it.
        tags: Of the flow and of the deployment; by default those that they have, or the flow's own.
        on_progress: Is told how many bytes are sent, of how many.
        environ: Where the variables are.

    Raises:
        NotFoundError: When there is no such file.
        ArtifactError: When it is not a sound archive.
        UsageError: When it holds another flow, or dagy-client is not installed.
        ConfigError: When nothing says which server.
        AuthError: When there is no token, or the server does not take it.
        PermissionDeniedError: When its owner may not deploy.
        ConflictError: When the server has this version of the flow with other content.
        NetworkError: When the server does not answer.
    """
    archive = read_archive(artifact_path, flow_name=flow_name, flow_version=flow_version)
    with connected(api_url=api_url, auth=auth, environ=environ) as client:
        plan = plan_deployment(
            client, archive, deployment_name=deployment_name, namespace=namespace, tags=tags
        )
        return carry_out(client, plan, on_progress=on_progress)


def upload_artifact_via_api(
    artifact_path: str | os.PathLike[str],
    *,
    api_url: str | None = None,
    auth: str | TokenSource | None = None,
    on_progress: OnProgress | None = None,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """Upload an archive, and return how the server calls it; one that it has is not sent again.

    The arguments and errors are those of `deploy_artifact`. Nothing is registered or deployed.
    """
    archive = read_archive(artifact_path)
    with connected(api_url=api_url, auth=auth, environ=environ) as client:
        storage = ServerStorage(client)
        place = storage.find(archive) or storage.upload(archive, on_progress)
    assert place.artifact_id is not None
    return place.artifact_id


def deploy_flow(
    flow: Flow[..., Any],
    *,
    name: str | None = None,
    namespace: str | None = None,
    tags: Mapping[str, str] | None = None,
    api_url: str | None = None,
    auth: str | TokenSource | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Deployed:
    """Build the archive of a flow, and deploy it; see `Flow.deploy`."""
    with connected(api_url=api_url, auth=auth, environ=environ) as client:
        built = plan_artifact(flow, environ=environ)
        plan = plan_deployment(
            client,
            read_archive(write_artifact(built, environ=environ).path),
            deployment_name=name,
            namespace=namespace,
            usual_namespace=_namespace_of(built.root, Path.cwd()),
            tags=tags,
        )
        return carry_out(client, plan)


def _namespace_of(directory: Path, current: Path) -> str:
    """Return the way from the current directory to that of a flow's file; empty when it is none."""
    try:
        return "/".join(directory.relative_to(current.resolve()).parts)
    except ValueError:
        return ""
