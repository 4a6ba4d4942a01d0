"""A real server for the tests of other programs: a process of its own, on a free port.

::

    with running_server(tmp_path) as server:
        client = DagyClient(server.url, token=server.api_key)
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from dagy_server.permissions import Permission

EMAIL = "owner@example.com"
PASSWORD = "a password for tests"  # noqa: S105 - of a server that lives as long as a test
ORGANISATION = "Acme"

_MANY = str(10**9)
_UNLIMITED = {"DAGY_SERVER_REQUESTS_PER_MINUTE": _MANY, "DAGY_SERVER_REQUEST_BURST": _MANY}

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_URL = re.compile(r"is at (http://\S+)")
_CODE = re.compile(r"with this code: (\S+)")
_FORM_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server whose first owner is `EMAIL`, with `PASSWORD`, in `ORGANISATION`.

    Attributes:
        api_key: Of the owner, with every permission.
        process: To be killed, if a test wants that.
    """

    url: str
    directory: Path
    api_key: str = field(repr=False)
    process: subprocess.Popen[str]


@contextmanager
def running_server(
    directory: Path, *, environ: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()
) -> Iterator[RunningServer]:
    """Start a server that keeps all in a directory, and stop it at the end.

    Started again on the same directory, it has the same owner, and a new API key.

    Args:
        environ: Added to the environment: ``DAGY_SERVER_REQUESTS_PER_MINUTE`` and the like.
        arguments: Added to the command line.

    Raises:
        RuntimeError: When the server does not start; the message has what it said.
    """
    command = [sys.executable, "-m", "dagy_server", "--port=0", f"--data-dir={directory}"]
    process = subprocess.Popen(  # noqa: S603 - our own module
        [*command, *arguments],
        env={**os.environ, **_UNLIMITED, **(environ or {})},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    console = _Console(process.stderr)
    try:
        url = console.wait_for(_URL)
        _sign_up(url, console)
        key = _new_api_key(url)
        yield RunningServer(url=url, directory=directory, api_key=key, process=process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        console.close()


class _Console:
    """What a server says, read as it says it, so that it never waits for a reader."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: Queue[str] = Queue()
        self._said: list[str] = []
        self._thread = threading.Thread(target=self._read, name="dagy-server-console")
        self._thread.start()

    def wait_for(self, pattern: re.Pattern[str]) -> str:
        """Return the group of the first line that matches."""
        while True:
            try:
                line = self._lines.get(timeout=_START_SECONDS)
            except Empty:
                line = ""
            if not line:
                raise RuntimeError("The server did not start:\n" + "".join(self._said))
            self._said.append(line)
            found = pattern.search(line)
            if found:
                return found[1]

    def close(self) -> None:
        """Wait until the server has said all."""
        self._thread.join()
        self._stream.close()

    def _read(self) -> None:
        for line in self._stream:
            self._lines.put(line)
        self._lines.put("")  # the end


def _sign_up(url: str, console: _Console) -> None:
    browser = build_opener(HTTPCookieProcessor())
    with browser.open(f"{url}/setup") as answer:
        if answer.url != f"{url}/setup":
            return  # to the sign-in page: there is an owner already
        token = _FORM_TOKEN.search(answer.read().decode())
    assert token is not None
    form = {
        "csrf": token[1],
        "code": console.wait_for(_CODE),
        "organisation": ORGANISATION,
        "name": "Owner",
        "email": EMAIL,
        "password": PASSWORD,
    }
    body = urlencode(form).encode()
    request = Request(f"{url}/setup", body, {"Origin": url})  # noqa: S310 - our own server
    with browser.open(request):
        return


def _new_api_key(url: str) -> str:
    login = _post(f"{url}/auth/login", {"email": EMAIL, "password": PASSWORD}, token=None)
    scopes = [each.value for each in Permission]
    key = _post(f"{url}/api-keys", {"name": "tests", "scopes": scopes}, token=login["access_token"])
    return str(key["key"])


def _post(url: str, document: Mapping[str, Any], *, token: str | None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = Request(url, json.dumps(document).encode(), headers)  # noqa: S310 - our own server
    with build_opener().open(request) as answer:
        found: dict[str, Any] = json.load(answer)
        return found
