"""Archives of flows: what is in one, and the safe way to read it.

    with open_artifact("daily-latest-3f2a91c07b5d.zip") as artifact:
        artifact.verify()
        artifact.unpack("work/daily")

Nothing here imports what an archive holds, or unpickles anything. `dagy.build_artifact` makes them.
"""

from dagy.artifacts._limits import MAX_ARTIFACT_BYTES, MAX_FILES
from dagy.artifacts._manifest import ArtifactFile, Manifest
from dagy.artifacts._opening import Artifact, open_artifact

__all__ = [
    "MAX_ARTIFACT_BYTES",
    "MAX_FILES",
    "Artifact",
    "ArtifactFile",
    "Manifest",
    "open_artifact",
]
