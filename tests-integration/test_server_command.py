"""`dagy server start`, installed beside the command, on each database that it can keep all in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from control_plane import ControlPlane
from installed import Dagy, Environment, said
from person import EMAIL, PASSWORD, Person
from postgres_cluster import PACKAGES, is_installed, postgres_cluster
from server_command import log_in, started, url_of, without_desktop


@pytest.fixture
def dagy(together: Environment, environ: dict[str, str], tmp_path: Path) -> Dagy:
    return without_desktop(together, environ, tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """What says on the command line where the records are: nothing is said for SQLite."""
    if request.param == "sqlite":
        yield []
        return
    if not is_installed() and not os.environ.get("CI"):
        pytest.skip(f"there is no PostgreSQL; run: apt-get install {PACKAGES}")
    with postgres_cluster() as url:
        yield ["--database-url", url.format("postgres")]


def test_what_is_there_before_a_restart_is_there_after_it(
    dagy: Dagy, database: list[str], tmp_path: Path
) -> None:
    """ORCH-24: from nothing but what is installed to an account, a login and a run."""
    arguments = [f"--data-dir={tmp_path / 'server'}", *database]
    with started(dagy, *arguments, "--port=0") as process:
        url = url_of(process)
        person = Person(url)
        person.set_up(said(process, r"with this code: (\S+)"))
        dagy.environ["DAGY_API_URL"] = url
        server = ControlPlane(url, EMAIL, PASSWORD, api_key=log_in(dagy, person))
        server.deploy("nightly", "load")
        status, run = server.ask("POST", "/runs", {"deployment_name": "nightly"})
        assert (status, run["status"]) == (201, "QUEUED")
    assert (tmp_path / "server" / "dagy-server.db").exists() == (not database)

    ended = dagy("whoami")
    assert (ended.returncode, ended.stdout) == (4, "")

    with started(dagy, *arguments, f"--port={urlsplit(url).port}") as process:
        assert url_of(process) == url
        assert dagy.json("whoami")["user"] == EMAIL
        assert server.ask("GET", "/runs") == (200, {"items": [run], "next_cursor": None})
        process.terminate()
        assert process.stderr is not None
        since = process.stderr.read()
    assert since.splitlines()[-1] == "Stopped."
    assert "code" not in since, "somebody has an account already"
