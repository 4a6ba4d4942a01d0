from __future__ import annotations

import importlib.metadata

import pytest

from dagy_store._release import is_at_least, release


def test_a_mere_copy_of_the_source_is_older_than_any_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert release() == "0"
    assert not is_at_least(release(), "0.0.1")


@pytest.mark.parametrize(
    ("mine", "needed", "expected"),
    [
        ("0.1.0", "0.1.0", True),
        ("0.10.0", "0.9.9", True),
        ("0.9.9", "0.10.0", False),
        ("1.0.0rc1", "0.9", True),
        ("0.1.0", "1", False),
    ],
)
def test_releases_are_compared_by_their_numbers(mine: str, needed: str, expected: bool) -> None:
    assert is_at_least(mine, needed) is expected
