"""Many processes with one login, whose provider ends it when a refresh token is used twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dagy_auth import FileStore, StoredTokenSource
from dagy_auth.testing import FakeProvider

READY = """
import sys
from pathlib import Path
import authlib.oauth2, httpx
from dagy_auth import FileStore, StoredTokenSource
path, url = sys.argv[1:]
store = FileStore(Path(path))
print("ready", flush=True)
sys.stdin.readline()
"""
ASK = f"{READY}print(StoredTokenSource(store, 'prod').token(url))\n"
HANG = f"""{READY}
def hang(tokens):
    print("renewing", flush=True)
    sys.stdin.read()
StoredTokenSource(store, "prod", renew=hang).token(url)
"""


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def store(tmp_path: Path, provider: FakeProvider) -> FileStore:
    """A store whose access token has expired."""
    store = FileStore(tmp_path / "credentials.json")
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    store.save("prod", replace(provider.new_tokens(), expires_at=past))
    provider.expire_tokens()
    return store


Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(store: FileStore, provider: FakeProvider) -> Iterator[Start]:
    """Start a program; it is ended with the test in any case."""
    with ExitStack() as started:

        def start(program: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", program, store.location, provider.me_url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_twenty_processes_with_an_expired_token_cause_one_refresh_and_all_succeed(
    store: FileStore, provider: FakeProvider, start: Start
) -> None:
    """AUTH-11."""
    processes = [start(ASK) for _ in range(20)]
    assert {line_of(process) for process in processes} == {"ready"}
    for process in processes:
        go(process)
    (token,) = {line_of(process) for process in processes}
    assert {process.wait(60) for process in processes} == {0}
    assert provider.refresh_count == 1
    assert provider.accepts(token)
    kept = store.load("prod")
    assert kept is not None
    assert kept.access_token.reveal() == token
    # The session is as good as before: the next refresh token was not lost.
    provider.expire_tokens()
    source = StoredTokenSource(store, "prod")
    source.reject(source.token(provider.me_url))
    assert provider.accepts(source.token(provider.me_url))


def test_when_the_process_that_renews_is_killed_the_others_go_on_at_once(
    store: FileStore, provider: FakeProvider, start: Start
) -> None:
    """AUTH-11."""
    holder = start(HANG)
    others = [start(ASK) for _ in range(3)]
    assert {line_of(process) for process in (holder, *others)} == {"ready"}
    go(holder)
    assert line_of(holder) == "renewing"
    for process in others:
        go(process)
    holder.kill()
    killed_at = time.monotonic()
    (token,) = {line_of(process) for process in others}
    assert time.monotonic() - killed_at < 2
    assert provider.accepts(token)
    assert provider.refresh_count == 1
