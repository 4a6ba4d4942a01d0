from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dagy_server.artifact_storage import DirectoryStorage, UploadStorage
from dagy_types.errors import ArtifactError, StoreError

_CONTENT = bytes(range(256)) * 3000
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


@pytest.fixture
def storage(tmp_path: Path) -> DirectoryStorage:
    return DirectoryStorage(tmp_path / "artifacts")


def _keep(storage: DirectoryStorage, organisation_id: str = "org_a") -> None:
    with storage.receive() as file:
        file.write(_CONTENT)
        storage.publish(organisation_id, file.finish())


def _read(storage: DirectoryStorage, start: int = 0, stop: int = len(_CONTENT)) -> bytes:
    return b"".join(storage.read("org_a", _SHA256, start=start, stop=stop))


def _files(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())


def test_what_is_published_is_read_back(storage: DirectoryStorage, tmp_path: Path) -> None:
    _keep(storage)
    assert _read(storage) == _CONTENT
    assert _files(tmp_path) == [f"artifacts/org_a/{_SHA256[:2]}/{_SHA256}"]


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (5, 5), (255_999, 600_001), (767_999, 768_000)]
)
def test_a_part_is_read(storage: DirectoryStorage, start: int, stop: int) -> None:
    _keep(storage)
    assert _read(storage, start, stop) == _CONTENT[start:stop]


def test_the_same_bytes_are_kept_once_for_each_organisation(
    storage: DirectoryStorage, tmp_path: Path
) -> None:
    for organisation_id in ("org_a", "org_a", "org_b"):
        _keep(storage, organisation_id)
    assert len(_files(tmp_path)) == 2


def test_only_the_owner_of_the_files_reads_them(storage: DirectoryStorage, tmp_path: Path) -> None:
    _keep(storage)
    for path in (tmp_path / "artifacts" / "org_a").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_bytes_that_are_missing_are_told_at_once(storage: DirectoryStorage) -> None:
    with pytest.raises(ArtifactError, match="missing"):
        storage.read("org_a", _SHA256, start=0, stop=1)


def test_a_file_that_was_cut_is_no_short_answer(storage: DirectoryStorage, tmp_path: Path) -> None:
    _keep(storage)
    path = tmp_path / "artifacts" / "org_a" / _SHA256[:2] / _SHA256
    path.write_bytes(_CONTENT[:1000])
    with pytest.raises(ArtifactError, match="shorter than it was"):
        _read(storage)


def test_a_directory_that_cannot_be_written_to_is_an_error(
    storage: DirectoryStorage, tmp_path: Path
) -> None:
    with storage.receive() as file:
        file.write(b"abc")
        received = file.finish()
        (tmp_path / "artifacts" / "org_a").write_text("in the way")
        with pytest.raises(StoreError, match="cannot keep artifacts"):
            storage.publish("org_a", received)
    assert _files(tmp_path) == ["artifacts/org_a"]


def test_a_directory_takes_no_uploads_past_the_server(storage: DirectoryStorage) -> None:
    assert not isinstance(storage, UploadStorage)
