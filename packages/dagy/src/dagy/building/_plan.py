"""`plan_artifact`: what an archive of a flow will hold."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagy._flow import Flow
from dagy.artifacts._file_names import archive_name
from dagy.artifacts._json import bounded_text
from dagy.artifacts._limits import MAX_ARTIFACT_BYTES, MAX_FILES
from dagy.artifacts._manifest import SOURCES, SPEC_NAME, ArtifactFile, Manifest, manifest_json
from dagy.artifacts._refusal import Refusal
from dagy.building._patterns import pattern_of
from dagy.building._secrets import Secret
from dagy.building._selection import LeftOut, is_requirements, may_enter, select_files
from dagy.building._sources import SourceFile, find_files, inspect_file, total_size
from dagy_store import local_directory
from dagy_types import FlowSpec, flow_spec_to_json
from dagy_types.errors import ArtifactError, UsageError

_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")
_SHORT_HASH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactPlan:
    """What an archive will hold; nothing is written yet.

    Attributes:
        root: The directory of the flow's file, where the files come from.
        files: What goes in, in order.
        left_out: What patterns with wildcards name and what stays out all the same.
    """

    root: Path
    flow_spec: FlowSpec
    files: tuple[SourceFile, ...]
    left_out: tuple[LeftOut, ...]
    manifest: Manifest

    @property
    def file_name(self) -> str:
        """The name that the archive has by default; another content has another one."""
        words = [self.flow_spec.name, self.flow_spec.version]
        safe = (_UNSAFE.sub("-", word).strip("-._")[:60] or "flow" for word in words)
        return "-".join([*safe, self.manifest.content_hash[:_SHORT_HASH]]) + ".zip"


def plan_artifact(
    flow: Flow[..., Any],
    *,
    target: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    include: Iterable[str] = (),
    allow_secrets: Iterable[str | os.PathLike[str]] = (),
    output: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> ArtifactPlan:
    """Decide what goes into an archive: read everything, write nothing.

    These are all Python files below the directory of the flow's file, the files beside it that say
    what to install, and what ``include`` names; but neither junk nor files that may hold secrets.

    Args:
        target: How the flow was found, as `dagy.loader.load_flow` takes it; by default where its
            function is.
        parameters: Those of the flow whose graph goes into the archive.
        include: Patterns from the directory of the flow's file on, such as ``sql/*.sql``.
        allow_secrets: Files that go in though they seem to hold a secret.
        output: Where the archive will be: not a part of itself.
        environ: ``DAGY_LOCAL_DIR`` in it is no part of the archive either.

    Raises:
        UsageError: When a parameter is missing, or a pattern or a file of ``allow_secrets`` matches
            nothing.
        FlowDefinitionError: When the graph cannot be traced.
        ArtifactError: When a file seems to hold a secret or cannot be read or packed, or there is
            too much of it all.
    """
    path, name = _entry(flow, target)
    root, entry = path.parent, archive_name(path.name)
    spec = flow.trace(flow.parameters.complete(parameters or {})).spec
    patterns = [pattern_of(archive_name(text)) for text in include]
    skipped = [_real(each) for each in (local_directory(environ), output) if each]
    allowed = [_from_root(root, each) for each in allow_secrets]
    selection = select_files(
        find_files(root, may_enter=lambda each: may_enter(each, patterns), skipped=skipped),
        entry=entry,
        patterns=patterns,
        allowed=allowed,
    )
    _require_used(allowed, selection.paths)
    _require_few(selection.paths)
    files = _inspected(root, selection.paths, allowed)
    return ArtifactPlan(
        root=root,
        flow_spec=spec,
        files=files,
        left_out=selection.left_out,
        manifest=_manifest(spec, entry=entry, flow=name, files=files),
    )


def _entry(flow: Flow[..., Any], target: str | None) -> tuple[Path, str]:
    if target is not None:
        path, _, name = target.partition(":")
        return Path(path).resolve(), name or flow.name
    function = inspect.unwrap(flow.function)
    file = getattr(function, "__code__", None) and inspect.getsourcefile(function)
    if not file or not Path(file).is_file():
        raise UsageError(
            f"Flow {flow.name!r} is not in a file, so it cannot be packed.",
            hint="Write it to a file, and build that: dagy build PATH.py:FLOW",
        )
    names = vars(sys.modules.get(function.__module__, object)).items()
    variable = next((name for name, value in names if value is flow), flow.name)
    return Path(file).resolve(), variable


def _from_root(root: Path, file: str | os.PathLike[str]) -> str:
    # As messages name it, from the directory of the flow on; or else from the current one.
    place = root / file
    if not place.is_file():
        place = _real(file)
    # Of a path that leads elsewhere it is found out later that no such file is packed.
    return archive_name(os.path.relpath(place, root))


def _real(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(os.path.realpath(path))
    except ValueError:
        raise UsageError(
            f"{os.fspath(path)!a} is no path: it has a NUL character in it.", hint="Mend it."
        ) from None


def _require_used(allowed: Sequence[str], paths: Collection[str]) -> None:
    for path in allowed:
        if path not in paths:
            raise UsageError(
                f"{path} is not among the files that are packed, so it needs no permission.",
                hint="Name a file as it is listed, or include it, too.",
            )


def _require_few(paths: Sequence[str]) -> None:
    if len(paths) > MAX_FILES:
        raise ArtifactError(
            f"There are {len(paths)} files to pack, more than the limit of {MAX_FILES}.",
            hint="Move the flow to a directory with only what belongs to it.",
        )


def _inspected(
    root: Path, paths: Sequence[str], allowed: Collection[str]
) -> tuple[SourceFile, ...]:
    if total_size(root, paths) > MAX_ARTIFACT_BYTES:
        raise too_large()
    files, secrets = [], []
    for path in paths:
        file, secret = inspect_file(root, path)
        files.append(file)
        if secret is not None and path not in allowed:
            secrets.append((path, secret))
    if secrets:
        raise _secret_error(secrets)
    return tuple(files)


def _secret_error(secrets: Sequence[tuple[str, Secret]]) -> ArtifactError:
    path, secret = secrets[0]
    others = [path for path, _ in secrets[1:]]
    more = f" So do: {', '.join(others[:5])}{', …' if len(others) > 5 else ''}." if others else ""
    return ArtifactError(
        f"{path} seems to hold a secret: line {secret.line} has {secret.kind}.{more}",
        hint="Read it from the environment when the flow runs; or pack it: "
        f"--allow-secret {shlex.quote(path)}",
    )


def _manifest(spec: FlowSpec, *, entry: str, flow: str, files: Sequence[SourceFile]) -> Manifest:
    from hashlib import sha256

    text = flow_spec_to_json(spec).encode("ascii")
    sources = [ArtifactFile(SOURCES + each.path, each.size_bytes, each.sha256) for each in files]
    manifest = Manifest(
        flow_name=spec.name,
        flow_version=spec.version,
        entry_path=SOURCES + entry,
        entry_flow=flow,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        requirements=tuple(SOURCES + each.path for each in files if is_requirements(each.path)),
        files=(ArtifactFile(SPEC_NAME, len(text), sha256(text).hexdigest()), *sources),
    )
    try:
        bounded_text(text, "its graph")
        bounded_text(manifest_json(manifest), "its list of files")
    except Refusal as refusal:
        raise ArtifactError(
            f"The flow cannot be packed: {refusal}.",
            hint="Map over a list in place of a task for each item; pack fewer files.",
        ) from None
    return manifest


def too_large() -> ArtifactError:
    """Return the error for more than an archive takes."""
    return ArtifactError(
        f"The files to pack have more than {MAX_ARTIFACT_BYTES} bytes.",
        hint="Read large data from where it is kept, when the flow runs.",
    )
