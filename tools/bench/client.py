"""What dagy-client adds to a call, next to bare httpx with pydantic, at the same server.

    hatch run bench:client
    hatch run bench:client --calls 200 --gib 0

Both make the same calls of one real server, in turns and over one kept connection, and make the
same records of the answers. Then an archive goes to the server and back; prints by how much the
peak of memory of either process rises. Ends with status 1 when a call takes more than 1.3 times
as long, or memory rises by more than 32 MiB (HTTP-21).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from machine import described
from pydantic import TypeAdapter
from table import aligned, shown_ratio

from dagy_client import DagyClient
from dagy_server.testing import RunningServer, running_server
from dagy_types import FlowSpec, Run

_HIGHEST_RATIO = 1.3
_HIGHEST_RISE_BYTES = 32 * 2**20
_LISTED = 100
_CHUNK = os.urandom(2**20)
_ROOM = {"DAGY_SERVER_MAX_ARTIFACT_BYTES": str(2**40)}


@dataclass
class _Page:
    items: list[Run]
    next_cursor: str | None


_RUN: TypeAdapter[Run] = TypeAdapter(Run)
_PAGE: TypeAdapter[_Page] = TypeAdapter(_Page)


def main() -> int:
    """Parse the command line, measure, report."""
    arguments = _parser().parse_args()
    print(f"{described()}, httpx {httpx.__version__}\n")
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        directory = Path(name)
        with running_server(directory / "server", environ=_ROOM) as server:
            figures = compare(server, calls=arguments.calls)
            rises = _transfer(server, directory, arguments.gib) if arguments.gib else {}
    rows = [("microseconds a call", "httpx + pydantic", "dagy-client", "ratio")]
    rows += [
        (each, f"{bare * 1e6:,.0f}", f"{ours * 1e6:,.0f}", shown_ratio(ours / bare))
        for each, (bare, ours) in figures.items()
    ]
    print(aligned(rows))
    for each, rise in rises.items():
        print(f"{arguments.gib:g} GiB there and back, rise of the {each}: {rise / 2**20:.1f} MiB")
    too_slow = any(ours > _HIGHEST_RATIO * bare for bare, ours in figures.values())
    return 1 if too_slow or any(rise > _HIGHEST_RISE_BYTES for rise in rises.values()) else 0


def compare(server: RunningServer, *, calls: int) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each call, bare and by the client."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with (
        DagyClient(server.url, server.api_key) as client,
        httpx.Client(base_url=server.url, headers=headers) as bare,
    ):
        client.flows.register(FlowSpec(name="nightly", version="1"))
        last = [client.runs.trigger(flow_name="nightly") for _ in range(_LISTED)][-1]
        trigger = {"flow_name": "nightly"}
        ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "get a run": (
                lambda: _RUN.validate_json(bare.get(f"/runs/{last.run_id}").content),
                lambda: client.runs.get(last.run_id),
            ),
            f"list {_LISTED} runs": (
                lambda: _PAGE.validate_json(bare.get(f"/runs?limit={_LISTED}").content).items,
                lambda: list(client.runs.list(limit=_LISTED)),
            ),
            "trigger a run": (
                lambda: _RUN.validate_json(bare.post("/runs", json=trigger).content),
                lambda: client.runs.trigger(flow_name="nightly"),
            ),
        }
        return {name: _medians(*pair, calls) for name, pair in ways.items()}


def _medians(
    bare: Callable[[], object], ours: Callable[[], object], calls: int
) -> tuple[float, float]:
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(calls):
        for call, taken in zip((bare, ours), seconds, strict=True):
            begin = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begin)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def _transfer(server: RunningServer, directory: Path, gib: float) -> dict[str, int]:
    """Send a file to the server and fetch it; return by how much the peaks of memory rise."""
    source, copy = directory / "source", directory / "copy"
    with source.open("wb") as file:
        for number in range(int(gib * 1024)):
            file.write(number.to_bytes(8, "big") + _CHUNK[8:])
    before = dict(_peaks(server))
    with DagyClient(server.url, server.api_key) as client:
        artifact = client.artifacts.upload(source)
        client.artifacts.download(artifact.artifact_id, copy)  # which verifies the hash
    assert copy.stat().st_size == source.stat().st_size
    return {name: peak - before[name] for name, peak in _peaks(server)}


def _peaks(server: RunningServer) -> Iterator[tuple[str, int]]:
    yield "client", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = (each for each in status.splitlines() if each.startswith("VmHWM:"))
    yield "server", int(line.split()[1]) * 1024


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--gib", type=float, default=1.0, help="size of the archive; 0: none")
    parser.add_argument("--directory", type=Path, help="where there is room, by default for files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
