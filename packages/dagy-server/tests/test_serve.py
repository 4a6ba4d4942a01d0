"""The server as a real process, over a real socket."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from dagy_server import Settings
from dagy_server.serve import greeting, listener
from dagy_server.services import Services
from dagy_server.testing import running_server
from dagy_types.errors import ConfigError, ConflictError


@contextmanager
def _started(*arguments: str, environ: dict[str, str] | None = None) -> Iterator[Any]:
    process = subprocess.Popen(
        [sys.executable, "-m", "dagy_server", "--port=0", *arguments],
        env={**os.environ, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _url(process: Any) -> str:
    found = re.search(r"is at (\S+)", process.stderr.readline())
    assert found
    return found[1]


def _refused(*arguments: str, environ: dict[str, str] | None = None) -> tuple[int, str]:
    with _started(*arguments, environ=environ) as process:
        _, said = process.communicate(timeout=60)
        return process.returncode, said


def test_orch_24_a_server_is_ready_once_it_has_said_where_it_is(tmp_path: Path) -> None:
    with (
        _started(f"--data-dir={tmp_path}/s") as process,
        urlopen(f"{_url(process)}/ready") as answer,
    ):
        assert answer.status == 200


def test_orch_24_a_start_loads_nothing_that_only_some_runs_need(tmp_path: Path) -> None:
    # What a start costs in seconds is measured by tools/bench/server.py.
    with _started(f"--data-dir={tmp_path}/s", environ={"PYTHONPROFILEIMPORTTIME": "1"}) as process:
        imported = takewhile(lambda line: " is at http" not in line, process.stderr)
        loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in imported}
    assert "fastapi" in loaded
    assert not loaded & {"dagy", "dagy_store", "boto3", "httpx", "authlib", "psycopg"}


def test_orch_24_all_is_in_one_private_directory_and_one_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with _started(environ={"HOME": str(home)}) as process:
        url = _url(process)
        assert url.startswith("http://127.0.0.1:")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        assert children.read_text() == ""
        files = [each for each in home.rglob("*") if each.is_file()]
        assert {each.parent for each in files} == {home / ".dagy" / "server"}
        assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in files)


def test_orch_24_the_first_owner_needs_the_code_on_the_console(tmp_path: Path) -> None:
    with _started(f"--data-dir={tmp_path}/server") as process:
        url = _url(process)
        lines = [process.stderr.readline() for _ in range(2)]
        assert f"{tmp_path}/server" in lines[0]
        assert re.search(rf"{url}/setup with this code: [A-Z]{{4}}(-[A-Z]{{4}}){{3}}$", lines[1])


_NO_EGRESS = """
import socket, sys

def refuse(*arguments):
    print("EGRESS", arguments, file=sys.stderr)
    raise OSError("no egress")

socket.socket.connect = socket.socket.connect_ex = refuse
"""


def test_orch_24_nothing_is_sent_to_anybody(tmp_path: Path) -> None:
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(_NO_EGRESS)
    with _started(f"--data-dir={tmp_path}/s", environ={"PYTHONPATH": str(guard)}) as process:
        url = _url(process)
        for path in ("/health", "/ready", "/docs", "/sign-in"):
            with urlopen(url + path) as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert "EGRESS" not in said
    assert process.returncode == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_orch_24_a_public_address_needs_a_word(tmp_path: Path, host: str) -> None:
    code, said = _refused(f"--host={host}", f"--data-dir={tmp_path}/s")
    assert code == 2
    assert "Other machines can reach" in said
    assert "--allow-public" in said
    assert not (tmp_path / "s").exists()


def test_orch_24_with_that_word_other_machines_can_reach_the_server(tmp_path: Path) -> None:
    with _started("--host=0.0.0.0", "--allow-public", f"--data-dir={tmp_path}/s") as process:
        assert _url(process).startswith("http://0.0.0.0:")


def test_orch_24_a_second_server_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with _started(f"--data-dir={tmp_path}") as process:
        _url(process)
        code, said = _refused(f"--data-dir={tmp_path}")
    assert code == 1
    assert f"Another server uses {tmp_path}." in said
    assert "Traceback" not in said


def test_orch_24_a_server_that_was_killed_leaves_its_directory_usable(tmp_path: Path) -> None:
    for _ in range(2):
        with _started(f"--data-dir={tmp_path}") as process, urlopen(f"{_url(process)}/ready"):
            process.kill()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "newer version of dagy-server"),
        ("DROP TABLE alembic_version", "tables of another program"),
    ],
)
def test_orch_24_a_database_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, new_database: Callable[[Path], None], statement: str, words: str
) -> None:
    path = tmp_path / "dagy-server.db"
    new_database(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
        before = list(connection.iterdump())
    code, said = _refused(f"--data-dir={tmp_path}")
    assert code == 1
    assert words in said
    assert "Traceback" not in said
    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before


def test_orch_24_a_database_that_somebody_has_locked_is_told_of(
    tmp_path: Path, new_database: Callable[[Path], None]
) -> None:
    path = tmp_path / "dagy-server.db"
    new_database(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        environ = {"DAGY_SERVER_BUSY_TIMEOUT_SECONDS": "1"}
        code, said = _refused(f"--data-dir={tmp_path}", environ=environ)
    assert code == 1
    assert "busy" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_orch_24_a_signal_lets_requests_end_and_streams_go(tmp_path: Path, number: int) -> None:
    with running_server(tmp_path / "s") as server:
        stream = _open_stream(server)
        assert stream.readline() == b": heartbeat\n"
        slow = _half_a_request(server)
        begin = time.perf_counter()
        server.process.send_signal(number)
        stream.read()
        stream.close()
        slow.sendall(b'"late"}')
        answer = slow.makefile("rb").readline()
        slow.close()
        assert b"201" in answer
        assert server.process.wait(10) == 0
        assert time.perf_counter() - begin < 10
    with _started(f"--data-dir={tmp_path}/s") as process:
        again = replace(server, url=_url(process))
        assert "late" in [each["name"] for each in _get(again, "/api-keys")["items"]]


def test_orch_24_a_request_that_never_ends_does_not_keep_the_server(tmp_path: Path) -> None:
    with running_server(tmp_path / "s") as server, closing(_half_a_request(server)):
        begin = time.perf_counter()
        server.process.terminate()
        assert server.process.wait(15) == 0
        assert time.perf_counter() - begin <= 10


def test_a_second_signal_ends_the_server_at_once(tmp_path: Path) -> None:
    with running_server(tmp_path / "s") as server, closing(_half_a_request(server)):
        server.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(1)
        server.process.terminate()
        assert server.process.wait(3) == 0


def test_headers_that_are_too_large_are_refused_and_the_server_lives(tmp_path: Path) -> None:
    with running_server(tmp_path / "s") as server:
        with closing(_connection(server)) as connection:
            connection.request("GET", "/health", headers={"X-Large": "x" * 100_000})
            assert connection.getresponse().status in (400, 431)
        with closing(_connection(server)) as connection:
            connection.request("GET", "/" + "x" * 100_000)
            assert connection.getresponse().status in (400, 414, 431)
        assert _get(server, "/health")["status"] == "healthy"


def _connection(server: Any) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)


def _get(server: Any, path: str) -> Any:
    with closing(_connection(server)) as connection:
        connection.request("GET", path, headers=_authorization(server))
        return json.loads(connection.getresponse().read())


def _authorization(server: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.api_key}"}


def _post(server: Any, path: str, document: Any) -> Any:
    with closing(_connection(server)) as connection:
        headers = {**_authorization(server), "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(document), headers)
        answer = connection.getresponse()
        assert answer.status == 201
        return json.loads(answer.read())


def _open_stream(server: Any) -> http.client.HTTPResponse:
    _post(server, "/flows", {"flow_spec": {"name": "daily", "version": "1"}})
    run = _post(server, "/runs", {"flow_name": "daily", "flow_version": "1"})
    # The answer owns the connection then, and closes it at its end.
    headers = {**_authorization(server), "Accept": "text/event-stream", "Connection": "close"}
    connection = _connection(server)
    connection.request("GET", f"/runs/{run['run_id']}/logs", headers=headers)
    return connection.getresponse()


def _half_a_request(server: Any) -> socket.socket:
    """Begin to make an API key, up to the last seven bytes."""
    host, port = server.url.removeprefix("http://").split(":")
    half = socket.create_connection((host, int(port)), timeout=30)
    body = b'{"name": "late"}'
    head = (
        f"POST /api-keys HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {server.api_key}\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    half.sendall(head.encode())
    assert b"100" in half.recv(1000)  # somebody reads the body now
    half.sendall(body[:-7])
    return half


def test_a_port_that_is_taken_is_told_of(settings: Settings) -> None:
    with listener(replace(settings, port=0)) as first:
        port = first.getsockname()[1]
        second = listener(replace(settings, port=port))
        with pytest.raises(ConflictError, match=f"127.0.0.1:{port}") as refused, second:
            raise AssertionError
    assert refused.value.hint == "Stop the program that does, or give another --port."


def test_an_address_of_another_machine_is_refused(settings: Settings) -> None:
    nowhere = listener(replace(settings, host="no such host"))
    with pytest.raises(ConfigError, match="is no address"), nowhere:
        raise AssertionError
    elsewhere = listener(replace(settings, host="192.0.2.1", port=0, allow_public=True))
    with pytest.raises(ConflictError, match="Cannot listen on"), elsewhere:
        raise AssertionError


def test_loopback_has_more_than_one_name(settings: Settings) -> None:
    for host in ("localhost", "127.0.0.2", "::1"):
        with listener(replace(settings, host=host, port=0)) as listening:
            assert listening.getsockname()[1] > 0


def test_who_has_an_owner_is_not_told_of_a_code(services: Services, owner: Any) -> None:
    lines = list(greeting(services))
    assert len(lines) == 2
    assert "code" not in " ".join(lines)


def test_each_start_without_an_owner_has_a_code_of_its_own(services: Services) -> None:
    codes = {list(greeting(services))[-1].rpartition(" ")[2] for _ in range(2)}
    assert len(codes) == 2
