"""What dagy-client adds to a call, next to bare httpx with pydantic, at the same server.

    hatch run bench:client
    hatch run bench:client --calls 200 --gib 0

Both make the same calls over one kept connection, in turns, and make the same records of the
answers: calls of a real dagy-server, where they cost what they cost in use, and of one that gives
the same answers at once, where nearly all that is left is the cost of the client.

Then an archive goes to the real server and comes back, and its hash is verified; prints by how
much the memory of either process rises meanwhile. Ends with status 1 when a call takes more than
1.3 times as long, or memory rises by 32 MiB (HTTP-21).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from canned_server import canned_server
from client_calls import FLOW, LISTED, Costs, awaited_costs, blocking_costs
from machine import described
from table import aligned, shown_ratio

from dagy_client import AsyncDagyClient, DagyClient
from dagy_server.testing import RunningServer, running_server
from dagy_types import FlowSpec

_HIGHEST_RATIO = 1.3
_HIGHEST_RISE_BYTES = 32 * 2**20
_CHUNK = os.urandom(2**20)
_ROOM = {"DAGY_SERVER_MAX_ARTIFACT_BYTES": str(2**40)}
_LEFT_OUT = ("transfer-encoding", "connection")
_RESET_PEAK = "5"  # see proc_pid_clear_refs(5)


@dataclass(frozen=True)
class Transfer:
    """What the transfer of an archive to the server and back took."""

    seconds: float
    client_bytes: int
    server_bytes: int


def main() -> int:
    """Parse the command line, measure, report."""
    arguments = _parser().parse_args()
    print(f"{described('httpx', 'pydantic', 'uvicorn', 'fastapi')}\n")
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        directory = Path(name)
        with running_server(directory / "server", environ=_ROOM) as server:
            figures = compare(server, calls=arguments.calls)
        print(_table(figures), flush=True)
        transfers = measure_transfers(directory, arguments.gib) if arguments.gib else {}
    for kind, each in transfers.items():
        print(
            f"{arguments.gib:g} GiB there and back, {kind}: {each.seconds:.1f} s, memory rises by "
            f"{each.client_bytes / 2**20:.1f} MiB (client), "
            f"{each.server_bytes / 2**20:.1f} MiB (server)"
        )
    slow = any(cost.ratio > _HIGHEST_RATIO for costs in figures.values() for cost in costs.values())
    large = any(
        max(each.client_bytes, each.server_bytes) >= _HIGHEST_RISE_BYTES
        for each in transfers.values()
    )
    return 1 if slow or large else 0


def compare(server: RunningServer, *, calls: int) -> dict[str, dict[str, Costs]]:
    """Measure the calls of either client at either server."""
    with DagyClient(server.url, server.api_key) as client:
        client.flows.register(FlowSpec(name=FLOW, version="1"))
        run_id = [client.runs.trigger(flow_name=FLOW) for _ in range(LISTED)][-1].run_id
    figures = {}
    with canned_server(_answers(server, run_id)) as canned:
        for place, url in (("dagy-server", server.url), ("canned answers", canned)):
            for kind, costs in (("blocking", blocking_costs), ("async", awaited_costs)):
                figures[f"{place}, {kind}"] = costs(url, server.api_key, run_id, calls=calls)
    return figures


def measure_transfers(directory: Path, gib: float) -> dict[str, Transfer]:
    """Send an archive to a server and fetch it again, by either client."""
    source, copy = directory / "source", directory / "copy"
    transfers = {}
    for kind, transfer in (("blocking", _blocking_transfer), ("async", _async_transfer)):
        _write(source, gib)
        with running_server(directory / kind, environ=_ROOM) as server:
            transfers[kind] = _measured(transfer, server, source, copy)
        assert copy.stat().st_size == source.stat().st_size
    return transfers


def _table(figures: dict[str, dict[str, Costs]]) -> str:
    rows = [("microseconds a call", "httpx + pydantic", "dagy-client", "ratio")]
    for place, costs in figures.items():
        rows += [
            (
                f"{place}: {name}",
                f"{cost.bare * 1e6:,.0f}",
                f"{cost.ours * 1e6:,.0f}",
                shown_ratio(cost.ratio),
            )
            for name, cost in costs.items()
        ]
    return aligned(rows) + "\n"


def _answers(server: RunningServer, run_id: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.url, headers=headers) as client:
        return {
            f"GET /runs/{run_id}": _as_sent(client.get(f"/runs/{run_id}")),
            "GET /runs": _as_sent(client.get("/runs", params={"limit": LISTED})),
            "POST /runs": _as_sent(client.post("/runs", json={"flow_name": FLOW})),
        }


def _as_sent(answer: httpx.Response) -> str:
    assert answer.is_success, answer.text
    lines = [f"{name}: {value}" for name, value in answer.headers.items() if name not in _LEFT_OUT]
    return "\r\n".join(
        [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}", *lines, "", answer.text]
    )


def _write(path: Path, gib: float) -> None:
    with path.open("wb") as file:
        for number in range(int(gib * 1024)):
            file.write(number.to_bytes(8, "big") + _CHUNK[8:])


def _measured(
    transfer: Callable[[RunningServer, Path, Path], None],
    server: RunningServer,
    source: Path,
    copy: Path,
) -> Transfer:
    small = source.with_name("small")
    small.write_bytes(_CHUNK[:1000])
    transfer(server, small, copy)  # so that what the first transfer loads is there
    begin = time.monotonic()
    with _risen(os.getpid()) as client, _risen(server.process.pid) as own:
        transfer(server, source, copy)
    return Transfer(time.monotonic() - begin, client[0], own[0])


def _blocking_transfer(server: RunningServer, source: Path, copy: Path) -> None:
    with DagyClient(server.url, server.api_key) as client:
        artifact = client.artifacts.upload(source)
        client.artifacts.download(artifact.artifact_id, copy)  # which verifies the hash


def _async_transfer(server: RunningServer, source: Path, copy: Path) -> None:
    async def transfer() -> None:
        async with AsyncDagyClient(server.url, server.api_key) as client:
            artifact = await client.artifacts.upload(source)
            await client.artifacts.download(artifact.artifact_id, copy)

    asyncio.run(transfer())


@contextmanager
def _risen(process_id: int) -> Iterator[list[int]]:
    """Give a list that afterwards has how many bytes more the process held at its peak."""
    files = Path(f"/proc/{process_id}")
    risen: list[int] = []
    (files / "clear_refs").write_text(_RESET_PEAK)
    before = _bytes(files, "VmRSS")
    yield risen
    risen.append(_bytes(files, "VmHWM") - before)


def _bytes(files: Path, name: str) -> int:
    lines = (files / "status").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=1_000, help="of each kind, by each client")
    parser.add_argument("--gib", type=float, default=1.0, help="size of the archive; 0: none")
    parser.add_argument("--directory", type=Path, help="where there is room, by default for files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
