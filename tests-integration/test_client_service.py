"""A service that depends on dagy-client alone works with a real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import ControlPlane, running_control_plane
from installed import Environment

SERVICE = Path(__file__).parent / "foreign" / "nightly.py"
AT = "2026-11-01T12:00:00+00:00"


@pytest.fixture
def client(client_environment: Environment) -> Environment:
    return client_environment


@pytest.fixture
def server(
    server_environment: Environment, environ: dict[str, str], tmp_path: Path
) -> Iterator[ControlPlane]:
    with running_control_plane(server_environment, environ, tmp_path / "server") as server:
        yield server


def _start(
    client: Environment, environ: dict[str, str], server: ControlPlane, *arguments: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [client.python, "-W", "error", SERVICE, *arguments],
        env=environ | {"DAGY_API_URL": server.url, "DAGY_API_KEY": server.api_key},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_dagy_client_brings_only_what_it_needs(client: Environment) -> None:
    """HTTP-18"""
    installed = client.distributions
    assert {each for each in installed if each.startswith("dagy")} == {"dagy-client", "dagy-types"}
    assert len(installed) <= 14


def test_a_service_triggers_a_run_and_follows_its_log_to_the_end(
    client: Environment, environ: dict[str, str], server: ControlPlane
) -> None:
    server.deploy("nightly", "load")
    with _start(client, environ, server, "nightly", "2026-11-01") as service:
        assert service.stdout is not None
        word, run_id = service.stdout.readline().split()
        assert word == "started"
        _, triggered = server.ask("GET", f"/runs/{run_id}")
        assert (triggered["status"], triggered["parameters"]) == ("QUEUED", {"day": "2026-11-01"})
        for number in range(1, 4):
            record = {"at": AT, "level": "INFO", "logger": "etl", "message": f"line {number}"}
            server.ask("POST", f"/runs/{run_id}/logs", {"records": [record | {"task_id": "load"}]})
            assert service.stdout.readline() == f"INFO line {number}\n"  # as it is said
        server.ask("POST", f"/runs/{run_id}/cancel")
        rest, said = service.communicate(timeout=60)
    assert (service.returncode, rest, said) == (0, "ended CANCELLED\n", "")


def test_a_service_is_told_what_is_wrong(
    client: Environment, environ: dict[str, str], server: ControlPlane
) -> None:
    with _start(client, environ, server, "weekly", "2026-11-01") as service:
        out, said = service.communicate(timeout=60)
    assert (service.returncode, out) == (1, "")
    assert "weekly" in said
    assert "Traceback" not in said
    assert server.api_key not in said
