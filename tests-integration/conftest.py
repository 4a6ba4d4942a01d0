"""Built wheels, and clean environments that they are installed in."""

from __future__ import annotations

import os
import signal
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from installed import ROOT, Dagy, Environment, run


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_reaches_children() -> None:
    """Background jobs of a shell have SIGINT ignored, and hand that on to what they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel of every package, built from this tree."""
    directory = tmp_path_factory.mktemp("wheels")
    packages = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
    assert packages
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*command, "--wheel-dir", directory, *packages])
    return directory


@pytest.fixture(scope="session")
def make_environment(
    wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Environment]:
    """Make a clean environment with distributions of ours and what they declare to need."""

    def make(*distributions: str) -> Environment:
        environment = Environment(tmp_path_factory.mktemp(f"venv-{distributions[0]}"))
        venv.create(environment.directory)
        run([*environment.pip, "install", "--quiet", "--find-links", wheels, *distributions])
        return environment

    return make


@pytest.fixture(scope="session")
def cli(make_environment: Callable[[str], Environment]) -> Environment:
    """An environment as `pip install dagy-cli` makes it."""
    return make_environment("dagy-cli")


@pytest.fixture(scope="session")
def client_environment(make_environment: Callable[[str], Environment]) -> Environment:
    """An environment as `pip install dagy-client` makes it."""
    return make_environment("dagy-client")


@pytest.fixture(scope="session")
def server_environment(make_environment: Callable[[str], Environment]) -> Environment:
    """An environment as `pip install dagy-server` makes it."""
    return make_environment("dagy-server")


@pytest.fixture(scope="session")
def together(make_environment: Callable[..., Environment]) -> Environment:
    """An environment with the command, the server, and the driver of PostgreSQL."""
    return make_environment("dagy-cli", "dagy-server[postgres]")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A bare process environment: a home of its own, no settings from outside."""
    return {
        "PATH": os.defpath,
        "HOME": str(tmp_path / "home"),
        "DAGY_LOCAL_DIR": str(tmp_path / "local"),
    }


@pytest.fixture
def dagy(cli: Environment, environ: dict[str, str], tmp_path: Path) -> Dagy:
    directory = tmp_path / "work"
    directory.mkdir()
    return Dagy(cli.dagy, environ, directory)
