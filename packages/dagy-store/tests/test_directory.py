from __future__ import annotations

from pathlib import Path

import pytest

from dagy_store import local_directory
from dagy_types.errors import ConfigError


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.dagy"),
        ({"HOME": "/home/ada", "DAGY_LOCAL_DIR": ""}, "/home/ada/.dagy"),
        ({"HOME": "/home/ada", "DAGY_LOCAL_DIR": "/data/dagy"}, "/data/dagy"),
        ({"HOME": "/home/ada", "DAGY_LOCAL_DIR": "~/runs"}, "/home/ada/runs"),
        ({"HOME": "/home/ada", "DAGY_LOCAL_DIR": "~"}, "/home/ada"),
        ({"DAGY_LOCAL_DIR": "/data/dagy"}, "/data/dagy"),
        ({"DAGY_LOCAL_DIR": "here"}, "here"),
    ],
)
def test_the_directory_follows_the_environment(environ: dict[str, str], expected: str) -> None:
    assert local_directory(environ) == Path(expected)


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"DAGY_LOCAL_DIR": "~/runs"}])
def test_without_a_home_the_error_names_both_variables(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="HOME is not set") as caught:
        local_directory(environ)
    assert caught.value.hint is not None
    assert "DAGY_LOCAL_DIR" in caught.value.hint


def test_the_home_of_an_unknown_user_is_refused() -> None:
    with pytest.raises(ConfigError, match="no home directory ~nobody-of-that-name"):
        local_directory({"DAGY_LOCAL_DIR": "~nobody-of-that-name/runs"})
