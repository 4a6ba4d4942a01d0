from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagy_store._private_files import (
    make_private_directory,
    make_private_file,
    open_private,
    sync_directory,
    write_all,
)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> object:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_directories_are_for_their_owner_alone_under_any_umask(
    tmp_path: Path, umask: object
) -> None:
    make_private_directory(tmp_path / "a" / "b")
    assert [_mode(tmp_path / "a"), _mode(tmp_path / "a" / "b")] == [0o700, 0o700]


def test_files_are_for_their_owner_alone_under_any_umask(tmp_path: Path, umask: object) -> None:
    os.close(open_private(tmp_path / "opened", os.O_WRONLY))
    make_private_file(tmp_path / "made")
    assert [_mode(tmp_path / "opened"), _mode(tmp_path / "made")] == [0o600, 0o600]


def test_a_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    make_private_directory(shared)
    assert _mode(shared) == 0o755


def test_a_file_in_the_place_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(NotADirectoryError, match=r"Not a directory.*taken"):
        make_private_directory(tmp_path / "taken")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a directory that takes no names")
def test_a_place_where_nothing_can_be_made_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        make_private_directory(Path("/proc/dagy/runs"))


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(FileExistsError):
        make_private_file(tmp_path / "taken")


def test_a_file_can_be_written_in_full_and_its_name_made_durable(tmp_path: Path) -> None:
    descriptor = open_private(tmp_path / "file", os.O_WRONLY)
    write_all(descriptor, b"abc")
    os.close(descriptor)
    sync_directory(tmp_path)
    assert (tmp_path / "file").read_bytes() == b"abc"
