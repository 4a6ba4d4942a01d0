from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from dagy_cli.report import report_text, write_report


def _raised(message: str) -> Exception:
    try:
        raise RuntimeError(message)
    except RuntimeError as error:
        return error


def test_the_report_has_versions_and_the_traceback() -> None:
    text = report_text(_raised("boom"), [])
    assert "\nPython 3." in text
    assert "dagy-cli " in text
    assert "in _raised" in text
    assert text.endswith("RuntimeError: boom\n")


@pytest.mark.parametrize("words", [["--param", "key=s3cret"], ["--param=key=s3cret"]])
def test_values_of_parameters_are_not_in_the_report(words: list[str]) -> None:
    text = report_text(_raised("cannot read 's3cret'"), ["run", "f.py", *words])
    assert "s3cret" not in text
    assert "cannot read '[parameter]'" in text


def test_only_the_owner_can_read_the_report(local_dir: Path) -> None:
    path = Path(write_report("text", os.environ))
    assert path.parent == local_dir / "reports"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.read_text() == "text"


def test_a_broken_local_directory_sends_the_report_to_the_temporary_one(
    tmp_path: Path, local_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_dir.write_text("a file is in the way")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = Path(write_report("text", os.environ))
    assert path.parent == tmp_path
    assert path.read_text() == "text"


def test_where_nothing_can_be_written_it_says_so(
    tmp_path: Path, local_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_dir.write_text("a file is in the way")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    assert write_report("text", os.environ) == ("none could be written (No such file or directory)")
