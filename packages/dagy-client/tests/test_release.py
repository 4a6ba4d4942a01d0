from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from dagy_client._release import release, user_agent
from dagy_types.errors import UsageError


def test_the_release_is_that_of_the_installed_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "dagy_client-9.8.7.dist-info" / "METADATA"
    info.parent.mkdir()
    info.write_text("Metadata-Version: 2.1\nName: dagy-client\nVersion: 9.8.7\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert release() == "9.8.7"


def test_a_mere_copy_of_the_source_has_no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert release() == "0"


def test_the_client_says_what_it_is_and_where_it_runs() -> None:
    """HTTP-19."""
    name, python, system = user_agent("1.2.3").split(" ")
    assert name == "dagy-client/1.2.3"
    assert python.startswith("python/3.")
    assert system.count("/") == 1


def test_the_program_that_uses_the_client_comes_first() -> None:
    assert user_agent("1.2.3", "my-tool/4.5").startswith("my-tool/4.5 dagy-client/1.2.3 python/")


@pytest.mark.parametrize("product", ["", "my tool", "tool", "a/1\r\nX: y"])
def test_what_is_no_product_is_refused(product: str) -> None:
    with pytest.raises(UsageError, match="product is"):
        user_agent("1.2.3", product)
