from __future__ import annotations

from importlib.metadata import version

import pytest

import dagy_store
from dagy_store._release import RELEASE, is_at_least


def test_the_release_is_that_of_the_distribution() -> None:
    assert version("dagy-store") == RELEASE == dagy_store.__version__


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
