"""`LocalArtifact`: what a task returns in place of a JSON value."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dagy._pickle_serializer import PickleSerializer
from dagy._serializer import JsonSerializer
from dagy._settings import max_output_bytes
from dagy_types.errors import ArtifactError

ArtifactKind = Literal["text", "file", "json", "pickle"]

_KINDS = ("text", "file", "json", "pickle")
_JSON = JsonSerializer()
_PICKLE = PickleSerializer()


@dataclass(frozen=True, slots=True)
class LocalArtifact:
    """A text, the content of a file, or a value, kept by the run as one piece of bytes.

    A task returns one; the tasks that use its output get an equal one, now and after a resume.
    Make it with `text`, `file`, `json` or `pickle`. In a list or another value it is allowed too,
    but takes a third more space there, as JSON has only text.

    Attributes:
        kind: How it was made.
        name: What people know it as, such as ``report.html``; a file has its own name.
        data: The bytes; a text's in UTF-8.

    Raises:
        ArtifactError: When the name could not be that of a file.
    """

    kind: ArtifactKind
    name: str | None
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.kind not in _KINDS or type(self.data) is not bytes:
            raise ArtifactError(
                f"There is no artifact of the kind {self.kind!r} with {type(self.data).__name__}.",
                hint="Make it with LocalArtifact.text, .file, .json or .pickle.",
            )
        if self.name is not None and not _is_file_name(self.name):
            raise ArtifactError(
                f"{self.name!r} cannot be the name of an artifact.",
                hint="Use a name that a file could have, without a directory: report.html.",
            )

    @classmethod
    def text(cls, text: str, name: str | None = None) -> LocalArtifact:
        """Keep a text.

        Raises:
            ArtifactError: When it is no text.
        """
        if not isinstance(text, str):
            raise ArtifactError(
                f"LocalArtifact.text takes a str; got a {type(text).__name__}.",
                hint="Use LocalArtifact.json for data, LocalArtifact.file for a path.",
            )
        return cls("text", name, text.encode("utf-8", "surrogatepass"))

    @classmethod
    def file(
        cls,
        path: str | os.PathLike[str],
        name: str | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
    ) -> LocalArtifact:
        """Keep what is in a file now; the file itself is no longer needed.

        Args:
            path: Where the file is.
            name: The file's own by default.
            environ: ``DAGY_LOCAL_ARTIFACT_MAX_BYTES`` in it is the largest size that is read.

        Raises:
            ArtifactError: When there is no such file, or it cannot be read or is too large.
        """
        place = Path(path)
        return cls("file", name or place.name, _content(place, max_output_bytes(environ)))

    @classmethod
    def json(cls, value: Any, name: str | None = None) -> LocalArtifact:
        """Keep a value as JSON, in the form that outputs have by default.

        Raises:
            ArtifactError: When `load` could not restore the value exactly.
        """
        return cls("json", name, _JSON.encode(value))

    @classmethod
    def pickle(cls, value: Any, name: str | None = None) -> LocalArtifact:
        """Keep any Python value as a pickle. To load it runs code, so mind where it came from.

        Raises:
            ArtifactError: When the value cannot be pickled.
        """
        return cls("pickle", name, _PICKLE.encode(value))

    @property
    def size_bytes(self) -> int:
        """How large it is."""
        return len(self.data)

    def load(self) -> Any:
        """Return a text as `str`, a file as `bytes`, of JSON and pickles a new copy of the value.

        Raises:
            ArtifactError: When the value cannot be restored.
        """
        if self.kind == "text":
            return self.data.decode("utf-8", "surrogatepass")
        if self.kind == "file":
            return self.data
        return (_JSON if self.kind == "json" else _PICKLE).decode(self.data)

    def write_to(self, path: str | os.PathLike[str]) -> Path:
        """Write the bytes to a file, replacing what was there, and return its path.

        Args:
            path: The file, or a directory in which it gets the artifact's name.

        Raises:
            ArtifactError: When it cannot be written.
        """
        place = Path(path)
        try:
            if place.is_dir():
                if self.name is None:
                    raise ArtifactError(
                        f"{place} is a directory, and the artifact has no name of its own.",
                        hint="Give the path of a file.",
                    )
                place /= self.name
            place.write_bytes(self.data)
        except (OSError, ValueError) as error:
            raise ArtifactError(
                f"The artifact cannot be written to {place}: {_reason(error)}.",
                hint="Give a path in a directory that is there and may be written to.",
            ) from error
        return place


class ArtifactSerializer:
    """Writes an artifact as a line of JSON that describes it, and then its bytes as they are."""

    name = "artifact"

    def encode(self, value: Any) -> bytes:
        """Return the bytes of an artifact.

        Raises:
            ArtifactError: When the value is something else.
        """
        if type(value) is not LocalArtifact:
            raise ArtifactError(
                f"A value of type {type(value).__qualname__} is not a LocalArtifact.",
                hint="Return LocalArtifact.text, .file, .json or .pickle of it.",
            )
        header = json.dumps({"kind": value.kind, "name": value.name}, separators=(",", ":"))
        return header.encode("ascii") + b"\n" + value.data

    def decode(self, data: bytes) -> LocalArtifact:
        """Return the artifact.

        Raises:
            ArtifactError: When the bytes are not what `encode` wrote.
        """
        header, _, content = data.partition(b"\n")
        try:
            described = json.loads(header)
            return LocalArtifact(described["kind"], described["name"], content)
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"A recorded artifact cannot be restored: {error!r}.") from error


def _is_file_name(name: Any) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and not {"/", "\0"} & set(name)


def _content(path: Path, limit: int) -> bytes:
    try:
        status = path.stat()
        # Before it is opened: to open a pipe may take for ever.
        if not stat.S_ISREG(status.st_mode):
            what = "a directory" if stat.S_ISDIR(status.st_mode) else "not a file"
            raise ArtifactError(
                f"{path} is {what}, so it cannot become an artifact.",
                hint="Give the path of a file; pack a directory into an archive first.",
            )
        if status.st_size > limit:
            raise ArtifactError(
                f"{path} has {status.st_size} bytes, more than the limit of {limit}.",
                hint="Return its pathlib.Path instead, or raise DAGY_LOCAL_ARTIFACT_MAX_BYTES.",
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{path} cannot be read: {_reason(error)}.",
            hint="Write the file before it is made an artifact, where this process may read it.",
        ) from error


def _reason(error: OSError | ValueError) -> str:
    # A path with a null character is a ValueError.
    return getattr(error, "strerror", None) or str(error)
