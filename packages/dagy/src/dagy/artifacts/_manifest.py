"""The manifest: what an archive says of itself, and the one JSON text for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagy.artifacts._json import bounded_text, read_object
from dagy.artifacts._refusal import Refusal, shown

FORMAT = "dagy-artifact"
FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
SPEC_NAME = "flow.json"
SOURCES = "src/"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PYTHON = re.compile(r"[0-9]{1,2}\.[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file in an archive.

    Attributes:
        path: As in the archive: ``src/etl.py``.
    """

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in an archive.

    Attributes:
        entry_path: The file that holds the flow: ``src/etl.py``.
        entry_flow: The flow's name or variable in that file.
        python: The minor version of Python that built it, such as ``3.12``; the hashes of code in
            the flow's spec are those of this version.
        requirements: Which of the files say what has to be installed.
        files: All files but the manifest itself, in the order of the archive.
    """

    flow_name: str
    flow_version: str
    entry_path: str
    entry_flow: str
    python: str
    requirements: tuple[str, ...]
    files: tuple[ArtifactFile, ...]

    @property
    def target(self) -> str:
        """The flow as `dagy.loader.load_flow` takes it, below where the archive is unpacked."""
        return f"{self.entry_path}:{self.entry_flow}"

    @property
    def content_hash(self) -> str:
        """The SHA-256 of all that the manifest says: equal for equal contents only."""
        from hashlib import sha256

        text = json.dumps(_document(self), sort_keys=True, separators=(",", ":"))
        return sha256(text.encode("ascii")).hexdigest()


def manifest_json(manifest: Manifest) -> bytes:
    """Return the one text that a manifest has."""
    document = {**_document(manifest), "content_hash": manifest.content_hash}
    return json.dumps(document, indent=1).encode("ascii") + b"\n"


def read_manifest(data: bytes) -> Manifest:
    """Read what `manifest_json` wrote.

    Raises:
        Refusal: When it did not write this.
    """
    document = read_object(bounded_text(data, MANIFEST_NAME), MANIFEST_NAME)
    if document.get("format") != FORMAT:
        raise Refusal(f"{MANIFEST_NAME} is not that of a dagy artifact")
    version = document.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise Refusal(f"it has the format {version}, which a newer dagy reads")
    try:
        manifest = _manifest(document)
    except (KeyError, TypeError, ValueError):
        raise Refusal(f"{MANIFEST_NAME} lacks a field, or has one of a wrong type") from None
    _require_consistent(manifest)
    if document.get("content_hash") != manifest.content_hash:
        raise Refusal(f"the content_hash in {MANIFEST_NAME} is not that of its content")
    if manifest_json(manifest) != data:
        raise Refusal(f"{MANIFEST_NAME} is not written as dagy writes it")
    return manifest


def _document(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "flow": {
            "name": manifest.flow_name,
            "version": manifest.flow_version,
            "entry_path": manifest.entry_path,
            "entry_flow": manifest.entry_flow,
        },
        "python": manifest.python,
        "requirements": list(manifest.requirements),
        "files": [
            {"path": each.path, "size_bytes": each.size_bytes, "sha256": each.sha256}
            for each in manifest.files
        ],
    }


def _manifest(document: Mapping[str, Any]) -> Manifest:
    flow = document["flow"]
    return Manifest(
        flow_name=_text(flow["name"]),
        flow_version=_text(flow["version"]),
        entry_path=_text(flow["entry_path"]),
        entry_flow=_text(flow["entry_flow"]),
        python=_text(document["python"], _PYTHON),
        requirements=tuple(_text(each) for each in _list(document["requirements"])),
        files=tuple(
            ArtifactFile(
                _text(each["path"]), _size(each["size_bytes"]), _text(each["sha256"], _SHA256)
            )
            for each in _list(document["files"])
        ),
    )


def _require_consistent(manifest: Manifest) -> None:
    paths = [each.path for each in manifest.files]
    sources = set(paths[1:])
    if paths[:1] != [SPEC_NAME] or paths[1:] != sorted(sources):
        raise Refusal(f"{MANIFEST_NAME} does not list {SPEC_NAME} and then the sources in order")
    outside = next((path for path in paths[1:] if not path.startswith(SOURCES)), None)
    if outside is not None:
        raise Refusal(f"{shown(outside)} is not in {SOURCES}")
    archive = next((path for path in paths if is_archive_name(path)), None)
    if archive is not None:
        raise Refusal(f"{shown(archive)} is an archive in the archive")
    if manifest.entry_path not in sources or not manifest.entry_path.endswith(".py"):
        raise Refusal(
            f"the file of the flow, {shown(manifest.entry_path)}, is not among its sources"
        )
    if not manifest.flow_name or not manifest.entry_flow:
        raise Refusal("its flow has no name")
    if not sources.issuperset(manifest.requirements):
        raise Refusal("a file of requirements is not among its sources")


def is_archive_name(path: str) -> bool:
    """Tell whether a file is an archive by its name; an artifact holds none."""
    return path.lower().endswith(".zip")


def _text(value: Any, form: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str):
        raise TypeError
    if form is not None and not form.fullmatch(value):
        raise ValueError
    return value


def _size(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    if value < 0:
        raise ValueError
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value
