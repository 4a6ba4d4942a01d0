"""CLI-36: the scripts in ``scripts/``, each with the installed command: its documentation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import ControlPlane, running_control_plane
from installed import Environment
from script_files import play, read_script

PLACE = Path(__file__).with_name("scripts")
SCRIPTS = sorted(PLACE.rglob("*.txt"))
FILES = PLACE / "files"


@pytest.fixture
def usual(cli: Environment, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has installed the command, and nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": f"{cli.directory}/bin:/bin:/usr/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


@pytest.fixture(scope="module")
def server(
    server_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    directory = tmp_path_factory.mktemp("server")
    environ = {"PATH": "/bin:/usr/bin", "HOME": str(directory), "DAGY_LOCAL_DIR": str(directory)}
    with running_control_plane(server_environment, environ, directory / "server") as server:
        yield server


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_cli_36(
    path: Path, usual: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if path.parent.name == "server":
        server: ControlPlane = request.getfixturevalue("server")
        usual |= {"DAGY_API_URL": server.url, "DAGY_TOKEN": server.api_key}
    directory = tmp_path / "work"
    shutil.copytree(FILES, directory)
    play(read_script(path), directory, usual)


def test_cli_36_there_are_a_hundred_scripts() -> None:
    assert len(SCRIPTS) >= 100
