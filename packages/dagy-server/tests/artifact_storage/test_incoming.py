from __future__ import annotations

import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dagy_server.artifact_storage.incoming import (
    ABANDONED_SECONDS,
    disk_errors,
    incoming_file,
    remove_abandoned,
)
from dagy_types.errors import StoreError


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file grows beyond this size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_is_hashed_as_it_comes(tmp_path: Path) -> None:
    with incoming_file(tmp_path / "incoming") as file:
        for part in (b"abc", b"", b"def" * 100_000):
            file.write(part)
        received = file.finish()
        content = b"abc" + b"def" * 100_000
        assert received.path.read_bytes() == content
        assert (received.sha256, received.size) == (hashlib.sha256(content).hexdigest(), 300_003)
        assert received.path.stat().st_mode & 0o777 == 0o600


def test_a_file_is_gone_unless_it_was_renamed(tmp_path: Path) -> None:
    with incoming_file(tmp_path) as file:
        file.write(b"abc")
    assert list(tmp_path.iterdir()) == []
    with incoming_file(tmp_path) as file:
        file.finish().path.rename(tmp_path / "kept")
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_a_file_is_gone_when_something_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), incoming_file(tmp_path) as file:
        file.write(b"abc")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_that_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"cannot keep artifacts: File too large\.$"),
        full_disk(1000),
        incoming_file(tmp_path) as file,
    ):
        file.write(b"x" * 1001)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_disk_does_not_tell_where_things_are_sec_24(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, disk_errors():
        (tmp_path / "missing").read_bytes()
    assert str(tmp_path) not in f"{caught.value.message}{caught.value.hint}"


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    now = 1_000_000.0
    for name, age in (("old.part", 1), ("new.part", -1), ("old", 1)):
        (tmp_path / name).touch()
        at = now - ABANDONED_SECONDS - age
        os.utime(tmp_path / name, (at, at))
    remove_abandoned(tmp_path, now=now)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["new.part", "old"]


def test_a_directory_that_is_not_there_has_nothing_to_remove(tmp_path: Path) -> None:
    remove_abandoned(tmp_path / "missing")
