from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dagy.deploy import read_archive
from dagy_types.errors import ArtifactError, NotFoundError, UsageError


def test_an_archive_is_read_and_nothing_in_it_imported_sec_14(
    build: Callable[..., Path], tmp_path: Path
) -> None:
    path = build()
    before = set(sys.modules)
    archive = read_archive(path, flow_name="daily", flow_version="1")
    content = path.read_bytes()
    assert (archive.path, archive.size_bytes) == (path, len(content))
    assert archive.sha256 == hashlib.sha256(content).hexdigest()
    assert (archive.flow_spec.name, archive.manifest.flow_version) == ("daily", "1")
    assert not list(tmp_path.rglob("imported"))
    assert "etl" not in set(sys.modules) - before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"flow_name": "weekly"}, "has the name 'daily', and not 'weekly'"),
        ({"flow_version": "2"}, "has the version '1', and not '2'"),
    ],
)
def test_what_is_given_has_to_agree_with_the_archive_cli_21(
    build: Callable[..., Path], given: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        read_archive(build(), **given)


def test_every_byte_is_verified(build: Callable[..., Path]) -> None:
    path = build()
    path.write_bytes(path.read_bytes().replace(b"return 1", b"return 7"))
    with pytest.raises(ArtifactError, match="another checksum"):
        read_archive(path)


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_archive(tmp_path / "none.zip")
