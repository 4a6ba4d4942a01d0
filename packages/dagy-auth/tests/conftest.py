from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event, RLock
from traceback import TracebackException
from typing import Any

import pytest
from hypothesis import settings

from dagy_auth import Http, Secret, TokenSet
from dagy_auth.testing import FakeProvider
from dagy_types.errors import DagyError

# A busy machine is no reason to fail.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def no_real_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("DAGY_LOCAL_DIR", "DAGY_TOKEN", "DAGY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


class StoreDouble:
    """A store in memory that counts what is asked of it, and fails on demand."""

    location = "the memory of a test"
    is_encrypted = False

    def __init__(self, **kept: TokenSet) -> None:
        self.kept = dict(kept)
        self.calls: list[str] = []
        self.faults: dict[str, DagyError] = {}
        self._lock = RLock()

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if method in self.faults:
            raise self.faults[method]

    def probe(self) -> None:
        self._called("probe")

    def load(self, name: str) -> TokenSet | None:
        self._called("load")
        return self.kept.get(name)

    def save(self, name: str, tokens: TokenSet) -> None:
        self._called("save")
        self.kept[name] = tokens

    def delete(self, name: str) -> bool:
        self._called("delete")
        return self.kept.pop(name, None) is not None

    def names(self) -> list[str]:
        self._called("names")
        return sorted(self.kept)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        self._called("lock")
        with self._lock:
            yield


@pytest.fixture
def make_store() -> Callable[..., StoreDouble]:
    return StoreDouble


class HandClock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture
def make_tokens(hand_clock: HandClock) -> Callable[..., TokenSet]:
    """Make the tokens of a login; ``number`` tells one set from another."""

    def make(number: int = 1, *, seconds: float | None = 3600, **changes: Any) -> TokenSet:
        fields: dict[str, Any] = {
            "access_token": Secret(f"canary-access-{number}"),
            "refresh_token": Secret(f"canary-refresh-{number}"),
            "origin": "https://api.example.com:443",
            "expires_at": None
            if seconds is None
            else hand_clock.now() + timedelta(seconds=seconds),
            "client_id": "tool",
            "token_endpoint": "https://login.example.com/token",
        }
        return TokenSet(**{**fields, **changes})

    return make


class KeyringDouble:
    """A keyring in memory that counts what is asked of it, and misbehaves on demand."""

    name = "Test Double"

    def __init__(self, *, largest: int = 1280) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.calls: list[str] = []
        self.fault: BaseException | None = None
        self.is_lying = False
        self.is_hanging = False
        self.forever = Event()
        self._largest = largest

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self.is_hanging:
            self.forever.wait()
        if self.fault is not None:
            raise self.fault

    def get_password(self, service: str, username: str) -> str | None:
        self._called("get")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._called("set")
        if len(password) > self._largest:
            raise ValueError("too long: " + password)
        if not self.is_lying:
            self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._called("delete")
        del self.entries[service, username]


@pytest.fixture
def keyring() -> Iterator[KeyringDouble]:
    double = KeyringDouble()
    yield double
    double.forever.set()  # what hangs in it ends


@pytest.fixture
def shown() -> Callable[[BaseException], str]:
    """All that a crash report could show of an error: its chain, with the locals of our frames."""

    def parts(report: TracebackException | None) -> Iterator[str]:
        if report is not None:
            yield from report.format_exception_only()
            for frame in report.stack:
                if not frame.filename.startswith(str(Path(__file__).parent)):
                    yield f"{frame.name}: {frame.locals}"
            yield from parts(report.__cause__)
            yield from parts(None if report.__suppress_context__ else report.__context__)

    def shown(error: BaseException) -> str:
        report = TracebackException.from_exception(error, capture_locals=True)
        return "\n".join([*parts(report), repr(error), repr(vars(error))])

    return shown


_KILLED_AT = """
import os, signal, sys
steps = 0
def watch(event, arguments):
    global steps
    if event in ("open", "os.mkdir", "os.remove", "os.rename", "fcntl.flock"):
        steps += 1
        if steps == {step}:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed_at_each_step() -> Callable[[str], Iterator[int]]:
    """Run a program again and again, and kill it one file operation later each time.

    ``watched()`` in the program begins to count. Ends when the program is not killed any more.
    """

    def run(program: str) -> Iterator[int]:
        for step in range(1, 100):
            begin = _KILLED_AT.format(step=step)
            watched = "def watched():\n    sys.addaudithook(watch)\n"
            ended = subprocess.run(
                [sys.executable, "-c", begin + watched + program],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            if ended.returncode != -signal.SIGKILL:
                assert ended.returncode == 0, ended.stderr
                return
            yield step
        pytest.fail("the program never ends")

    return run


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def http() -> Iterator[Http]:
    with Http() as http:
        yield http


@pytest.fixture
def disk_with_room_for() -> Callable[[int], AbstractContextManager[None]]:
    """A disk on which no file can grow beyond some bytes."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit
