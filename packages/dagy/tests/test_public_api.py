from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import dagy
import dagy.deploy
import dagy.local


@pytest.mark.parametrize("module", [dagy, dagy.deploy, dagy.local])
def test_all_names_are_there_and_sorted_as_written(module: object) -> None:
    names = module.__all__  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(module, name) is not None


def test_the_version_is_that_of_the_distribution() -> None:
    assert dagy.__version__ == version("dagy")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dagy.nothing  # noqa: B018


def test_importing_dagy_loads_nothing_heavy_and_starts_nothing() -> None:
    code = (
        "import sys, threading, dagy;"
        "heavy = {'asyncio', 'dagy_client', 'httpx', 'keyring', 'tabulate', 'pydantic', 'yaml'};"
        "print(sorted(heavy & set(sys.modules)), threading.active_count())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[] 1"
