from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from dagy_store._output_file import read_output_file, staged_outputs
from dagy_types.errors import ArtifactError


def test_a_published_output_is_read_back(tmp_path: Path) -> None:
    with staged_outputs(tmp_path, {"a": b"one", "b": b"three"}) as publish:
        assert not (tmp_path / "a" / "output").exists()
        publish()
    assert read_output_file(tmp_path, "a", size_bytes=3) == b"one"
    assert read_output_file(tmp_path, "b", size_bytes=5) == b"three"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["output"]


def test_an_output_that_was_not_published_leaves_the_earlier_one(tmp_path: Path) -> None:
    with staged_outputs(tmp_path, {"a": b"old"}) as publish:
        publish()
    with pytest.raises(ZeroDivisionError), staged_outputs(tmp_path, {"a": b"new"}):
        raise ZeroDivisionError
    assert read_output_file(tmp_path, "a", size_bytes=3) == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["output"]


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, disk_with_room_for: Callable[[int], AbstractContextManager[None]]
) -> None:
    with (
        disk_with_room_for(1000),
        pytest.raises(OSError, match="File too large"),
        staged_outputs(tmp_path, {"a": b"x" * 5000}),
    ):
        pytest.fail("there was room")
    assert list((tmp_path / "a").iterdir()) == []


@pytest.mark.parametrize("content", [b"shor", b"longer", None])
def test_a_missing_or_changed_file_is_an_error_that_names_it(
    tmp_path: Path, content: bytes | None
) -> None:
    (tmp_path / "a").mkdir()
    if content is not None:
        (tmp_path / "a" / "output").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"task 'a' is not whole: .*a/output"):
        read_output_file(tmp_path, "a", size_bytes=5)
