from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dagy_cli import doctor
from dagy_cli.doctor.finding import Finding
from dagy_client.testing import FakeServer

Examine = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def examine(dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Run the command and return what it found, by name; with the exit code that goes with it."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)

    def examine(*words: str) -> dict[str, dict[str, Any]]:
        ended = dagy("doctor", *words, "--format", "json")
        found = json.loads(ended.out)
        has_problem = any(each["state"] == "problem" for each in found)
        assert ended.code == (9 if has_problem else 0)
        return {each["check"]: each for each in found}

    return examine


class _Clock(BaseHTTPRequestHandler):
    """A server whose clock is wrong."""

    date: Callable[[], str]

    def do_GET(self) -> None:
        body = b'{"status": "ok"}'
        self.send_response_only(200)
        self.send_header("Date", type(self).date())
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def clock_server() -> Iterator[Callable[[Callable[[], str]], str]]:
    servers: list[HTTPServer] = []

    def start(date: Callable[[], str]) -> str:
        handler = type("Clock", (_Clock,), {"date": staticmethod(date)})
        server = HTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_cli_31_all_is_well_on_a_new_machine_and_nothing_is_made(
    examine: Examine, local_dir: Path
) -> None:
    found = examine()
    assert set(found) == {
        *("versions", "sqlite", "directory", "record", "configuration"),
        *("credentials", "server", "proxy", "certificates"),
    }
    assert {each["state"] for each in found.values()} == {"ok"}
    assert not local_dir.exists()


def test_the_table_has_a_hint_for_what_is_wrong(
    dagy: Callable[..., Any], config: Callable[[str], Path]
) -> None:
    config("- a\n")
    ended = dagy("doctor")
    assert ended.code == 9
    assert "problem configuration " in ended.out
    assert "hint: configuration: Correct the file.\n" in ended.err


def test_the_record_is_checked(
    examine: Examine, add_run: Callable[..., str], local_dir: Path
) -> None:
    add_run()
    assert examine()["record"]["message"] == "1 run, sound by a quick check"
    (local_dir / "runs" / "stray").mkdir()
    found = examine()["record"]
    assert found["message"] == "1 problem, the first: run 'stray' is not recorded"
    assert found["hint"] == "Run: dagy store check --full"


def test_a_record_that_cannot_be_opened_is_a_problem(examine: Examine, local_dir: Path) -> None:
    local_dir.mkdir(mode=0o700)
    (local_dir / "dagy.db").write_bytes(b"noise" * 1000)
    assert examine()["record"]["state"] == "problem"


def test_files_that_others_may_read_are_named(examine: Examine, local_dir: Path) -> None:
    local_dir.mkdir(mode=0o755)
    (local_dir / "credentials.json").write_text("{}")
    (local_dir / "credentials.json").chmod(0o644)
    found = examine()["directory"]
    assert found["state"] == "warning"
    assert found["hint"] == f"Run: chmod go-rwx {local_dir} {local_dir}/credentials.json"


def test_a_directory_that_cannot_be_written_is_a_problem(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, local_dir: Path
) -> None:
    local_dir.mkdir(mode=0o700)
    # To root every file is open.
    monkeypatch.setattr("dagy_cli.doctor.local.os.access", lambda path, mode: False)
    assert examine()["directory"]["message"] == f"{local_dir} cannot be written."
    local_dir.rmdir()
    assert examine()["directory"]["message"] == f"{local_dir.parent} cannot be written."


def test_without_a_home_directory_it_is_told_what_to_set(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGY_LOCAL_DIR")
    monkeypatch.setenv("HOME", "")
    found = examine()
    assert found["directory"]["state"] == "problem"
    assert "DAGY_LOCAL_DIR" in found["directory"]["hint"]


def test_a_token_in_the_environment_is_named_and_not_shown(
    examine: Examine, dagy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_TOKEN", "dagy_at_canary")
    assert examine()["credentials"]["message"] == (
        "The token is in DAGY_TOKEN; no keyring is asked"
    )
    assert "canary" not in dagy("doctor").out


def test_where_logins_are_is_told(
    examine: Examine, stored: Callable[..., Any], local_dir: Path
) -> None:
    stored()
    message = examine()["credentials"]["message"]
    assert f"{local_dir}/credentials.json, not encrypted, has the login 'default'" in message


def test_a_keyring_that_is_asked_for_and_does_not_work_is_a_problem(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_AUTH_STORAGE", "keyring")
    found = examine()["credentials"]
    assert found["state"] == "problem"
    assert found["hint"] == "Run: dagy login --storage file, or set DAGY_TOKEN."


def test_the_server_is_asked_without_a_token(
    examine: Examine, api_server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = examine()["server"]
    assert found["state"] == "ok"
    assert found["message"].endswith("answers (DAGY_API_URL)")
    assert [request.path for request in api_server.requests] == ["/health"]


def test_a_server_that_is_not_there_is_a_warning(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_API_URL", "http://127.0.0.1:9")
    found = examine()["server"]
    assert found["state"] == "warning"
    assert "http://127.0.0.1" in found["message"]


@pytest.mark.parametrize(
    ("ahead", "state", "message"),
    [
        (timedelta(), "ok", "As that of the server"),
        (timedelta(hours=1), "warning", "behind that of the server"),
        (timedelta(hours=-1), "warning", "ahead of that of the server"),
    ],
)
def test_auth_12_a_clock_that_is_wrong_is_told(
    examine: Examine,
    clock_server: Callable[[Callable[[], str]], str],
    monkeypatch: pytest.MonkeyPatch,
    ahead: timedelta,
    state: str,
    message: str,
) -> None:
    def date() -> str:
        return format_datetime(datetime.now(timezone.utc) + ahead, usegmt=True)

    monkeypatch.setenv("DAGY_API_URL", clock_server(date))
    found = examine()["clock"]
    assert found["state"] == state
    assert message in found["message"]


@pytest.mark.parametrize("date", ["", "tomorrow", "Fri, 31 Dec 9999 23:59:59 -0900"])
def test_a_server_that_does_not_know_the_time_is_not_compared(
    examine: Examine,
    clock_server: Callable[[Callable[[], str]], str],
    monkeypatch: pytest.MonkeyPatch,
    date: str,
) -> None:
    monkeypatch.setenv("DAGY_API_URL", clock_server(lambda: date))
    found = examine()
    assert found["server"]["state"] == "ok"
    assert "clock" not in found


def test_proxies_are_shown_without_their_passwords(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:canary@proxy.example.com:8080")
    monkeypatch.setenv("no_proxy", "localhost")
    assert examine()["proxy"]["message"] == (
        "HTTPS_PROXY=http://***@proxy.example.com:8080, no_proxy=localhost"
    )


def test_certificates_that_are_not_there_are_a_problem(
    examine: Examine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert examine()["certificates"] == {
        "check": "certificates",
        "state": "ok",
        "message": f"SSL_CERT_DIR={tmp_path}",
        "hint": None,
    }
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    assert examine()["certificates"]["state"] == "problem"


def test_cli_31_what_does_not_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    answering = threading.Event()

    def hangs(*_: object) -> list[Finding]:
        answering.wait(60)
        return []

    monkeypatch.setattr(doctor, "_LOOKS", {"slow": hangs, "slower": hangs})
    monkeypatch.setattr(doctor, "_LIMIT_SECONDS", 0.2)
    start = time.monotonic()
    found = list(doctor.examine({}, profile=None))
    assert time.monotonic() - start < 5
    answering.set()
    assert [(each.what, each.state, each.message) for each in found] == [
        ("slow", "problem", "There is no answer within 0.2 s."),
        ("slower", "problem", "There is no answer within 0.2 s."),
    ]


def test_a_fault_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> list[Finding]:
        raise RuntimeError("a fault")

    monkeypatch.setattr(doctor, "_LOOKS", {"failing": fails})
    with pytest.raises(RuntimeError, match="a fault"):
        list(doctor.examine({}, profile=None))
