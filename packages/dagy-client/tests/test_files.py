from __future__ import annotations

from io import FileIO
from pathlib import Path

import pytest

from dagy_client import _files
from dagy_types.errors import ArtifactError


def test_the_parts_of_two_archives_have_names_of_their_own(tmp_path: Path) -> None:
    target = tmp_path / "flow.zip"
    parts = {_files.part_of(target, artifact_id) for artifact_id in ("a1", "a2", "../x")}
    assert len(parts) == 3
    assert all(part.parent == tmp_path for part in parts)


def test_a_full_disk_is_an_error_that_names_the_file() -> None:
    full = Path("/dev/full")
    with (
        pytest.raises(ArtifactError, match="/dev/full cannot be read or written: No space left"),
        FileIO(full, "w") as file,
    ):
        _files.write(file, full, b"x")


def test_what_cannot_be_cut_off_is_an_error_that_leaves_nothing_open() -> None:
    with pytest.raises(ArtifactError, match="/dev/full cannot be read or written: Invalid arg"):
        _files.open_at(Path("/dev/full"), 0)


def test_writing_on_cuts_off_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"0123456789")
    with _files.open_at(path, 4) as file:
        _files.write(file, path, b"x")
        _files.sync(file, path)
    assert path.read_bytes() == b"0123x"


def test_a_file_that_is_not_there_has_no_size(tmp_path: Path) -> None:
    assert _files.size_of(tmp_path / "part") == 0
