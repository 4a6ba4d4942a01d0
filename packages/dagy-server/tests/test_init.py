from __future__ import annotations

from pathlib import Path

import dagy_server
from dagy_server.release import version


def test_all_lists_the_public_names_in_order() -> None:
    assert dagy_server.__all__ == ["Settings", "create_app"]
    assert all(hasattr(dagy_server, name) for name in dagy_server.__all__)


def test_the_version_is_that_of_the_distribution() -> None:
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    assert f'version = "{version()}"' in pyproject.read_text()


def test_the_package_is_typed() -> None:
    assert (Path(dagy_server.__path__[0]) / "py.typed").exists()
