from __future__ import annotations

import resource
from pathlib import Path

import pytest

from dagy_cli.text_file import write_text_file
from dagy_types.errors import ArtifactError


def test_a_file_is_written_in_place_of_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "x.svg"
    write_text_file(str(file), "old", option="--svg")
    write_text_file(str(file), "new 流", option="--svg")
    assert file.read_text(encoding="utf-8") == "new 流"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.svg").symlink_to(tmp_path / "x.svg")
    write_text_file(str(tmp_path / "link.svg"), "new", option="--svg")
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "x.svg").read_text() == "new"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent/x.svg", "cannot be written: No such file or directory."),
        ("x" * 300, "cannot be written: File name too long."),
        ("", "is not a file."),
        ("/dev/null", "is not a file."),
        ("file/x.svg", "cannot be written: Not a directory."),
    ],
)
def test_what_cannot_be_written_is_named_and_leaves_nothing(
    name: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("old")
    path = str(tmp_path / name)
    with pytest.raises(ArtifactError) as error:
        write_text_file(path, "new", option="--svg")
    assert error.value.message == f"{path} {message}"
    assert "--svg" in (error.value.hint or "")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "x.svg"
    file.write_text("old")
    _, most = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, most))
    try:
        with pytest.raises(ArtifactError, match=r"cannot be written: File too large\."):
            write_text_file(str(file), "new" * 100, option="--svg")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
