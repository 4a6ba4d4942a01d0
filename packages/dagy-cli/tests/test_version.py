from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from dagy_cli.version import dagy_version


def test_the_version_is_that_of_the_metadata(metadata_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "site" / "dagy_cli-9.9.9.dist-info").mkdir()
    assert dagy_version([str(tmp_path / "absent.zip"), str(metadata_dir)]) == "0.1.0"


def test_the_first_directory_on_the_path_wins(metadata_dir: Path, tmp_path: Path) -> None:
    info = tmp_path / "first" / "dagy-7.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: dagy\nVersion: 7.0\n")
    assert dagy_version([str(info.parent), str(metadata_dir)]) == "7.0"


def test_a_damaged_metadata_directory_is_passed_over(metadata_dir: Path, tmp_path: Path) -> None:
    info = tmp_path / "first" / "dagy-7.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: dagy\n")
    assert dagy_version([str(info.parent), str(metadata_dir)]) == "0.1.0"


def test_elsewhere_importlib_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def version(name: str) -> str:
        asked.append(name)
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", version)
    with pytest.raises(PackageNotFoundError):
        dagy_version([])
    assert asked == ["dagy"]
