from __future__ import annotations

import copy
import math
import os
import pickle
from dataclasses import FrozenInstanceError
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy._artifact import ArtifactSerializer, LocalArtifact
from dagy._pickle_serializer import PickleSerializer
from dagy._serializer import JsonSerializer
from dagy._serializers import Serializers, encode
from dagy_types.errors import ArtifactError

ARTIFACTS = ArtifactSerializer()
NAMES = st.none() | st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(
    lambda name: name not in (".", "..")
)


class Point:
    """Neither JSON nor a dataclass, but found by its name."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and other.x == self.x


@given(st.text(st.characters()), NAMES)
def test_any_text_comes_back_exactly(text: str, name: str | None) -> None:
    artifact = LocalArtifact.text(text, name)
    restored = ARTIFACTS.decode(ARTIFACTS.encode(artifact))
    assert restored == artifact
    assert (restored.load(), restored.name, restored.kind) == (text, name, "text")


@given(st.binary())
def test_bytes_are_kept_as_they_are_after_one_line(data: bytes) -> None:
    artifact = LocalArtifact("file", "a", data)
    encoded = ARTIFACTS.encode(artifact)
    assert encoded == b'{"kind":"file","name":"a"}\n' + data
    assert ARTIFACTS.decode(encoded) == artifact


def test_a_file_is_read_at_once_and_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(b"<p>\xff</p>")
    artifact = LocalArtifact.file(path)
    path.unlink()
    assert (artifact.kind, artifact.name, artifact.size_bytes) == ("file", "report.html", 8)
    assert artifact.load() == artifact.data == b"<p>\xff</p>"


def test_a_file_can_be_given_as_text_and_renamed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert LocalArtifact.file(str(tmp_path / "a"), "b.txt").name == "b.txt"


@pytest.mark.parametrize("value", [{"a": (1, date(2026, 11, 1))}, [math.inf], None])
def test_json_gives_each_caller_a_copy_of_the_exact_value(value: Any) -> None:
    artifact = LocalArtifact.json(value)
    assert artifact.load() == value
    assert value is None or artifact.load() is not artifact.load()


def test_a_pickle_holds_what_json_cannot() -> None:
    assert LocalArtifact.pickle(Point(3)).load() == Point(3)
    with pytest.raises(ArtifactError, match=r"Point cannot be recorded"):
        LocalArtifact.json(Point(3))
    with pytest.raises(ArtifactError, match=r"cannot be pickled"):
        LocalArtifact.pickle(lambda: None)


def test_an_artifact_is_a_value() -> None:
    artifact = LocalArtifact.text("a", "b")
    assert artifact == LocalArtifact.text("a", "b") != LocalArtifact.text("a")
    assert {artifact: 1}[copy.copy(artifact)] == 1
    assert pickle.loads(pickle.dumps(artifact)) == artifact
    assert repr(artifact) == "LocalArtifact(kind='text', name='b')"
    with pytest.raises(FrozenInstanceError):
        artifact.name = "c"  # type: ignore[misc]
    assert not hasattr(artifact, "__dict__")


def test_it_is_written_to_a_file_or_into_a_directory_under_its_name(tmp_path: Path) -> None:
    artifact = LocalArtifact.text("größer", "a.txt")
    assert artifact.write_to(tmp_path / "b.txt") == tmp_path / "b.txt"
    assert artifact.write_to(str(tmp_path)) == tmp_path / "a.txt"
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "größer"
    assert (tmp_path / "b.txt").read_bytes() == artifact.data


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    artifact = LocalArtifact.text("x")
    with pytest.raises(ArtifactError, match="is a directory, and the artifact has no name"):
        artifact.write_to(tmp_path)
    with pytest.raises(ArtifactError, match=r"cannot be written to .*: No such file"):
        artifact.write_to(tmp_path / "missing" / "x")
    with pytest.raises(ArtifactError, match=r"cannot be written to .*: embedded null"):
        artifact.write_to(tmp_path / "a\0b")


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "/etc/x", "a\0b", 3])
def test_a_name_that_could_lead_elsewhere_is_refused(name: Any) -> None:
    with pytest.raises(ArtifactError, match="cannot be the name of an artifact") as caught:
        LocalArtifact.text("x", name)
    assert "without a directory" in str(caught.value.hint)


def test_other_kinds_and_other_data_are_refused() -> None:
    with pytest.raises(ArtifactError, match="no artifact of the kind 'xml'"):
        LocalArtifact("xml", None, b"")  # type: ignore[arg-type]
    with pytest.raises(ArtifactError, match="with str"):
        LocalArtifact("text", None, "x")  # type: ignore[arg-type]
    with pytest.raises(ArtifactError, match="takes a str; got a bytes"):
        LocalArtifact.text(b"x")  # type: ignore[arg-type]


def test_a_missing_file_a_directory_and_a_pipe_are_told_with_a_hint(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, told in (
        (tmp_path / "missing", "missing cannot be read: No such file"),
        (tmp_path, "is a directory, so it cannot become an artifact"),
        (tmp_path / "pipe", "is not a file"),
        (tmp_path / "a\0b", "cannot be read: .*embedded null"),
    ):
        with pytest.raises(ArtifactError, match=told) as caught:
            LocalArtifact.file(path)
        assert caught.value.hint


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(100 * 2**30)  # takes no room on the disk, and would take it in memory
    with pytest.raises(ArtifactError, match=r"has 107374182400 bytes, more than .* 5242880"):
        LocalArtifact.file(path, environ={})
    os.truncate(path, 5)
    assert LocalArtifact.file(path, environ={"DAGY_LOCAL_ARTIFACT_MAX_BYTES": "5"}).size_bytes == 5
    with pytest.raises(ArtifactError, match="has 5 bytes, more than the limit of 4"):
        LocalArtifact.file(path, environ={"DAGY_LOCAL_ARTIFACT_MAX_BYTES": "4"})


@pytest.mark.parametrize("value", ["x", None, {"kind": "text"}])
def test_the_serializer_takes_artifacts_only(value: Any) -> None:
    with pytest.raises(ArtifactError, match="is not a LocalArtifact"):
        ARTIFACTS.encode(value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]\nx", b'{"kind":"text"}\nx', b'{"kind":"xml","name":null}\nx', b"\xff\n"],
)
def test_bytes_that_are_no_artifact_are_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError):
        ARTIFACTS.decode(data)


@pytest.mark.parametrize("writer", [JsonSerializer(), PickleSerializer()])
def test_a_task_may_return_an_artifact_whatever_its_serializer_is(writer: Any) -> None:
    artifact = LocalArtifact.pickle({1, 2}, "numbers")
    output = encode(artifact, writer)
    assert output.serializer == "artifact"
    assert Serializers([]).restore(output) == artifact


def test_artifacts_inside_other_values_come_back_exactly() -> None:
    value = {"pages": [LocalArtifact.text("a"), LocalArtifact("file", "b", b"\xff\n")]}
    output = encode(value, JsonSerializer())
    assert output.serializer == "json"
    assert Serializers([]).restore(output) == value
