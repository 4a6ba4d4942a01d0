"""The log of a run of a server arrives whole, over a network that is cut again and again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from control_plane import ControlPlane, running_control_plane
from cutting_proxy import CuttingProxy
from installed import Dagy, Environment

LINES = 10_000
CUTS = 20
BATCH = 500


def test_cli_18_twenty_cuts_lose_and_repeat_no_line(
    server_environment: Environment, dagy: Dagy, environ: dict[str, str], tmp_path: Path
) -> None:
    with running_control_plane(server_environment, environ, tmp_path / "server") as server:
        server.deploy("nightly", "load")
        status, run = server.ask("POST", "/runs", {"deployment_name": "nightly"})
        assert status == 201
        batches = _batches()
        for _ in range(LINES // BATCH // 2):  # what there is before the command starts
            _say(server, run["run_id"], next(batches))
        with CuttingProxy(server.url, cuts=CUTS, after_bytes=50_000) as proxy:
            environ |= {"DAGY_API_URL": proxy.url, "DAGY_TOKEN": server.api_key}
            with dagy.start("logs", run["run_id"], "--follow") as process:
                assert process.stdout is not None
                lines = [process.stdout.readline()]
                with ThreadPoolExecutor(1) as meanwhile:
                    rest = meanwhile.submit(process.stdout.readlines)
                    for batch in batches:
                        _say(server, run["run_id"], batch)
                    assert server.ask("POST", f"/runs/{run['run_id']}/cancel")[0] == 200
                    lines += rest.result(timeout=240)
                assert process.stderr is not None
                said = process.stderr.read()
    assert process.returncode == 0, said
    assert proxy.cuts == CUTS
    assert [int(line.split()[-1]) for line in lines] == list(range(LINES))


def _batches() -> Iterator[list[dict[str, str]]]:
    for first in range(0, LINES, BATCH):
        yield [
            {
                "at": "2026-11-01T08:00:00.000000Z",
                "level": "INFO",
                "logger": "stdout",
                "message": f"line {number}",
            }
            for number in range(first, first + BATCH)
        ]


def _say(server: ControlPlane, run_id: str, records: list[dict[str, str]]) -> None:
    status, answer = server.ask("POST", f"/runs/{run_id}/logs", {"records": records})
    assert status == 204, answer
