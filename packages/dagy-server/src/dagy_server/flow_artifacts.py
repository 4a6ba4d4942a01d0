"""The artifact of a flow: an archive that holds what is registered, checked before it counts.

Nothing in it is imported or run.
"""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import BinaryIO

from dagy_server.artifact_storage.incoming import disk_errors
from dagy_server.artifacts import find_artifact
from dagy_server.transactions import Call
from dagy_types import FlowSpec
from dagy_types.errors import ArtifactError


def require_flow_artifact(call: Call, artifact_id: str | None, spec: FlowSpec) -> None:
    """Check that an artifact, if one is named, is a sound archive of this very flow.

    Call it outside of transactions: every byte of the archive is read.

    Raises:
        NotFoundError: When the organisation has no such artifact.
        ArtifactError: When it is no archive of `dagy build`, or that of another flow.
    """
    if artifact_id is None:
        return
    with call.view() as view:
        row = find_artifact(view.connection, call.caller.organisation_id, artifact_id)
    stored = call.services.artifacts.read(
        row.organisation_id, row.sha256, start=0, stop=row.size_bytes
    )
    # An archive is read from its end, and storage gives a stream. The file has no name, so that
    # nothing is left of it, whatever happens.
    with TemporaryFile(dir=call.services.settings.data_directory) as file:
        with disk_errors():
            for part in stored:
                file.write(part)
        packed = _packed_spec(file, artifact_id, row.sha256)
    if packed != spec:
        raise ArtifactError(
            f"Artifact {artifact_id!r} holds another flow or graph than {spec.name!r}, version "
            f"{spec.version!r}, has here.",
            hint="Register what is in the artifact: dagy deploy ARTIFACT.zip",
        )


def _packed_spec(file: BinaryIO, artifact_id: str, sha256: str) -> FlowSpec:
    # The SDK takes a while to load, and a server is to be ready at once.
    from dagy.artifacts import open_artifact

    try:
        with open_artifact(file) as artifact:
            artifact.verify(sha256=sha256)
            return artifact.flow_spec
    except ArtifactError as error:
        raise ArtifactError(f"Artifact {artifact_id!r}: {error.message}", hint=error.hint) from None
