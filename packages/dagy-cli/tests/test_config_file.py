from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dagy_cli.config_file import read_config_file
from dagy_cli.profiles import ConfigFile, Profile
from dagy_types.errors import ConfigError

PUBLISHED = """
version: 1
default_profile: prod
profiles:
  prod:
    api_url: https://api.dagy.io
    app_url: https://dagy.io
    table_format: heavy_grid
    last_updated: 2026-11-01T08:00:00Z
  dev:
    api_url: http://localhost:8000
    issuer: http://localhost:9000
    client_id: ours
    auth_storage: file
    protected: true
    added_by_a_later_version: [1, 2]
  empty:
later: {a: b}
"""


def test_the_published_form_is_read_and_what_is_unknown_is_passed_over(
    config: Callable[[str], Path],
) -> None:
    path = config(PUBLISHED)
    assert read_config_file(path.parent) == ConfigFile(
        path=path,
        default_profile="prod",
        profiles={
            "prod": Profile(
                api_url="https://api.dagy.io",
                app_url="https://dagy.io",
                table_format="heavy_grid",
                last_updated="2026-11-01T08:00:00+00:00",
            ),
            "dev": Profile(
                api_url="http://localhost:8000",
                issuer="http://localhost:9000",
                client_id="ours",
                auth_storage="file",
                is_protected=True,
            ),
            "empty": Profile(),
        },
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "version: 1\n", "profiles:\n"])
def test_a_file_without_profiles_has_none(text: str, config: Callable[[str], Path]) -> None:
    path = config(text)
    assert read_config_file(path.parent) == ConfigFile(path=path)


def test_without_a_file_there_are_no_profiles(tmp_path: Path) -> None:
    assert read_config_file(tmp_path / "absent").profiles == {}
    (tmp_path / "file").touch()
    assert read_config_file(tmp_path / "file").profiles == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "it is not YAML in line 1"),
        ("version: 1\n\tprofiles: x", "it is not YAML in line 2"),
        ("a: \x01", "it is not YAML."),
        ("a: 2026-13-45", "it is not YAML."),
        ("[" * 2_000, "it is not YAML."),
        ("- a\n- b", "it should have keys with values"),
        ("profiles: [prod]", "profiles should have keys with values"),
        ("profiles: {prod: 3}", "profile 'prod' should have keys with values"),
        ("profiles: {2026: {}}", "a profile has a name that is no text"),
        ("profiles: {'': {}}", "a profile has a name that is no text"),
        ("profiles: {prod: {api_url: 3}}", "api_url of profile 'prod' is no text"),
        ("profiles: {prod: {protected: maybe}}", "protected of profile 'prod' is neither true nor"),
        ("default_profile: 3", "default_profile of it is no text"),
        ("version: 2", "has version 2, and this dagy knows version 1"),
    ],
)
def test_a_broken_file_is_one_line_that_says_where(
    text: str, message: str, config: Callable[[str], Path]
) -> None:
    path = config(text)
    with pytest.raises(ConfigError) as error:
        read_config_file(path.parent)
    assert error.value.message.startswith(str(path))
    assert message in error.value.message
    assert error.value.hint


def test_a_file_that_is_no_text_or_cannot_be_read_is_told(config: Callable[[str], Path]) -> None:
    path = config("")
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="it is not UTF-8"):
        read_config_file(path.parent)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory\."):
        read_config_file(path.parent)


def test_yaml_is_imported_only_where_there_is_a_file(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from dagy_cli.config_file import read_config_file
read_config_file(Path({str(tmp_path)!r}))
sys.exit("yaml" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
