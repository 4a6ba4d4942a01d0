"""A real Dagy server for the tests, installed from its wheel, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from installed import Environment

_PROGRAM = Path(__file__).parent / "foreign" / "control_plane.py"


@dataclass(frozen=True)
class ControlPlane:
    """A server that runs, its owner, and a key that may do everything."""

    url: str
    email: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)

    def ask(
        self, method: str, path: str, document: Any = None, *, token: str | None = None
    ) -> tuple[int, Any]:
        """Send a request; return the status and the document of the answer."""
        body = None if document is None else json.dumps(document).encode()
        headers = {
            "Authorization": f"Bearer {token or self.api_key}",
            "Content-Type": "application/json",
        }
        request = Request(f"{self.url}{path}", body, headers, method=method)
        try:
            answer = build_opener(ProxyHandler({})).open(request, timeout=30)
        except HTTPError as error:
            answer = error
        with answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None

    def deploy(self, flow_name: str, task_id: str) -> None:
        """Register a flow of one task, and deploy it under its own name."""
        spec = {"name": flow_name, "tasks": [{"task_id": task_id, "name": task_id}]}
        status, answer = self.ask(
            "POST", "/flows", {"flow_spec": spec, "deployment_name": flow_name}
        )
        assert status == 201, answer


@contextmanager
def running_control_plane(
    environment: Environment, environ: dict[str, str], directory: Path
) -> Iterator[ControlPlane]:
    """Start a server that keeps all in a directory, and stop it at the end."""
    with subprocess.Popen(
        [environment.python, _PROGRAM, directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        assert process.stdout is not None
        reached = process.stdout.readline()
        assert reached, "the server has not started"
        yield ControlPlane(**json.loads(reached))
        process.communicate(timeout=60)
    assert process.returncode == 0
