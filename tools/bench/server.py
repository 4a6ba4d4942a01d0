"""What a start of a server, triggers, and a page of a million runs cost.

    hatch run bench:server
    hatch run bench:server --seconds 5 --runs 100000

A start is that of a process on an empty directory, up to its first answer to /ready. Triggers are
sent at fixed times, whether or not those before are answered, and the time of each counts from when
it was due. Pages are read over HTTP from a server with many runs and one with a thousand, in turns.
Ends with status 1 when a start takes more than 2 s, when the 99th percentile of the triggers is
over 100 ms, when one fails, or when a page takes more than 1.5 times as long.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from machine import described
from starts import installed_environ
from table import aligned, shown_ratio

from dagy_server.testing import RunningServer, running_server

_LONGEST_START_SECONDS = 2.0
_HIGHEST_P99_SECONDS = 0.1
_HIGHEST_RATIO = 1.5
_FEW_RUNS = 1_000
_CONNECTIONS = 8
_FLOWS = 4
_SECOND = 1_000_000

# Copies of the one run that is there, in another order by id than by time.
_FILL = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO runs ({columns}) SELECT {values} FROM runs, numbers
"""
_OTHERS = {
    "id": "printf('r%06x%05x', (n * 7919) % 16777216, n % 1048576)",
    "status": "iif(n % 10 = 0, 'FAILED', 'SUCCEEDED')",
    "flow_name": f"'flow-' || (n % {_FLOWS})",
    "created_at": f"created_at - n * {_SECOND}",
}


class Connection:
    """A kept connection to a server."""

    def __init__(self, server: RunningServer) -> None:
        self._connection = HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        self._headers = {
            "Authorization": f"Bearer {server.api_key}",
            "Content-Type": "application/json",
        }

    def ask(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """Send a request; return the status and the document of the answer."""
        body = None if document is None else json.dumps(document)
        key = {} if method == "GET" else {"Idempotency-Key": uuid.uuid4().hex}  # as clients do
        self._connection.request(method, path, body, self._headers | key)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def main() -> int:
    """Parse the command line, measure, report."""
    arguments = _parser().parse_args()
    print(f"{described()}\n")
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        directory = Path(name)
        starts = [start(directory / f"start-{number}") for number in range(arguments.starts)]
        waits, failed = trigger(directory / "load", arguments.rate, arguments.seconds)
        pages = compare(directory, runs=arguments.runs, repetitions=arguments.repetitions)
    first_answer = statistics.median(starts)
    print(f"From the start of a server to its first answer: {first_answer:.2f} s\n")
    p50, p99 = (statistics.quantiles(waits, n=100)[place - 1] for place in (50, 99))
    print(
        f"{arguments.rate} triggers a second for {arguments.seconds} s: {len(waits)} answered, "
        f"{failed} failed, median {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, "
        f"longest {max(waits) * 1e3:.1f} ms\n"
    )
    rows = [("milliseconds a page", f"of {_FEW_RUNS:,}", f"of {arguments.runs:,}", "ratio")]
    rows += [
        (each, f"{few * 1e3:.2f}", f"{many * 1e3:.2f}", shown_ratio(many / few))
        for each, (few, many) in pages.items()
    ]
    print(aligned(rows))
    is_slow = any(many > _HIGHEST_RATIO * few for few, many in pages.values())
    is_slow |= first_answer > _LONGEST_START_SECONDS or p99 > _HIGHEST_P99_SECONDS
    return 1 if failed or is_slow else 0


def start(directory: Path) -> float:
    """Return how many seconds pass from the start of a server to its first answer."""
    command = [sys.executable, "-m", "dagy_server", "--port=0", f"--data-dir={directory}"]
    begin = time.perf_counter()
    with subprocess.Popen(
        command, env=installed_environ(), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            url = process.stderr.readline().split(" is at ")[1].split()[0]
            with urlopen(f"{url}/ready") as answer:
                assert answer.status == 200
            return time.perf_counter() - begin
        finally:
            process.terminate()


def trigger(directory: Path, rate: int, seconds: int) -> tuple[list[float], int]:
    """Trigger runs at a rate; return how long each took since it was due, and how many failed."""
    waits: list[float] = []
    failed: list[int] = []
    with running_server(directory) as server:
        _register(server, "nightly")
        numbers = count()
        begin = time.perf_counter() + 0.5

        def send() -> None:
            with closing(Connection(server)) as connection:
                while (number := next(numbers)) < rate * seconds:
                    due = begin + number / rate
                    time.sleep(max(0.0, due - time.perf_counter()))
                    status, _ = connection.ask("POST", "/runs", {"flow_name": "nightly"})
                    waits.append(time.perf_counter() - due)
                    if status != 201:
                        failed.append(status)

        threads = [threading.Thread(target=send) for _ in range(_CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return waits, len(failed)


def compare(directory: Path, *, runs: int, repetitions: int) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each page, from a server with few runs and one with many."""
    with ExitStack() as stack:
        connections = []
        for name, number in (("few", _FEW_RUNS), ("many", runs)):
            _fill(directory / name, number)
            server = stack.enter_context(running_server(directory / name))
            connections.append(stack.enter_context(closing(Connection(server))))
        seconds: dict[str, tuple[list[float], list[float]]] = {}
        for _ in range(repetitions):
            for place, connection in enumerate(connections):
                for page, taken in _read_pages(connection):
                    seconds.setdefault(page, ([], []))[place].append(taken)
    return {
        page: (statistics.median(few), statistics.median(many))
        for page, (few, many) in seconds.items()
    }


def _read_pages(connection: Connection) -> Iterator[tuple[str, float]]:
    cursor = ""
    for name, query in (
        ("the first", ""),
        ("the second", "cursor"),
        ("of a status", "&status=FAILED"),
        ("of a flow", "&flow_name=flow-1"),
    ):
        begin = time.perf_counter()
        status, page = connection.ask(
            "GET", f"/runs?limit=50{f'&cursor={cursor}' if query == 'cursor' else query}"
        )
        yield name, time.perf_counter() - begin
        assert status == 200
        assert len(page["items"]) == 50
        cursor = page["next_cursor"]


def _fill(directory: Path, runs: int) -> None:
    with running_server(directory) as server:
        for number in range(_FLOWS):
            _register(server, f"flow-{number}")
        with closing(Connection(server)) as connection:
            assert connection.ask("POST", "/runs", {"flow_name": "flow-0"})[0] == 201
    with closing(sqlite3.connect(directory / "dagy-server.db", isolation_level=None)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
        values = ", ".join(_OTHERS.get(each, each) for each in columns)
        database.execute("PRAGMA synchronous = OFF")
        database.execute(_FILL.format(columns=", ".join(columns), values=values), (runs,))


def _register(server: RunningServer, flow: str) -> None:
    with closing(Connection(server)) as connection:
        status, _ = connection.ask("POST", "/flows", {"flow_spec": {"name": flow, "version": "1"}})
        assert status == 201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--starts", type=int, default=5, help="starts of a server")
    parser.add_argument("--rate", type=int, default=200, help="triggers a second")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--directory", type=Path, help="where there is room, by default for files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
