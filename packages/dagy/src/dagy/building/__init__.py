"""Pack a flow and what it needs into an archive: `dagy build`, and the same for Python.

    path = build_artifact(daily, include=["sql/*.sql"])

`plan_artifact` decides what goes in, and writes nothing; `write_artifact` writes it.
"""

from dagy.building._build import build_artifact
from dagy.building._plan import ArtifactPlan, plan_artifact
from dagy.building._selection import LeftOut
from dagy.building._sources import SourceFile
from dagy.building._writing import WrittenArtifact, default_output, write_artifact

__all__ = [
    "ArtifactPlan",
    "LeftOut",
    "SourceFile",
    "WrittenArtifact",
    "build_artifact",
    "default_output",
    "plan_artifact",
    "write_artifact",
]
