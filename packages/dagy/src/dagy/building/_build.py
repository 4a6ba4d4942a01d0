"""`build_artifact`: plan and write in one step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagy._flow import Flow
from dagy.building._plan import plan_artifact
from dagy.building._writing import write_artifact
from dagy.loader import load_flow


def build_artifact(
    flow: Flow[..., Any] | str,
    output: str | os.PathLike[str] | None = None,
    *,
    include: Iterable[str] = (),
    allow_secrets: Iterable[str | os.PathLike[str]] = (),
    parameters: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """Pack a flow and what it needs into a ZIP file, and return its path.

    The same files give the same bytes, whenever and wherever they are packed.

    Args:
        flow: The flow, or ``PATH.py:FLOW``.
        output: Where the archive goes; by default to ``builds/`` in the local directory, under
            the name and version of the flow and the hash of the content.
        include: Further files than the Python files below the flow's directory, as patterns from
            there on, such as ``sql/*.sql``.
        allow_secrets: Files that go in though they seem to hold a secret.
        parameters: Those of the flow whose graph goes into the archive.
        environ: ``DAGY_LOCAL_DIR`` in it is the local directory.

    Raises:
        UsageError: When a parameter is missing, or a pattern or a file of ``allow_secrets`` matches
            nothing.
        NotFoundError: When there is no such flow.
        FlowDefinitionError: When the flow's file cannot be imported, or its graph not be traced.
        ArtifactError: When a file seems to hold a secret, or the archive cannot be written.
        ConflictError: When a file changes meanwhile.
    """
    target = flow if isinstance(flow, str) else None
    plan = plan_artifact(
        load_flow(flow) if isinstance(flow, str) else flow,
        target=target,
        parameters=parameters,
        include=include,
        allow_secrets=allow_secrets,
        output=output,
        environ=environ,
    )
    return write_artifact(plan, output, environ=environ).path
