"""`dagy server start` of an environment that has both the command and the server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from installed import Dagy, Environment, said
from person import Person

PATIENCE_SECONDS = 30


def without_desktop(
    environment: Environment, environ: dict[str, str], directory: Path, **settings: str
) -> Dagy:
    """Return the command of an environment, set up to log in without a browser or a keyring."""
    settings |= {
        "BROWSER": "true",  # there is one, and it opens nothing: the test does
        "DAGY_AUTH_STORAGE": "file",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    return Dagy(environment.dagy, environ | settings, directory)


@contextmanager
def started(dagy: Dagy, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a server, and stop it at the end as a service manager does."""
    with dagy.start("server", "start", *arguments) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        process.terminate()
        assert process.stdout is not None
        assert process.stdout.read() == ""
        assert process.wait(timeout=PATIENCE_SECONDS) == 0


def url_of(server: subprocess.Popen[str]) -> str:
    """Return where a server says that it is."""
    return said(server, r"is at (http://\S+)")


def log_in(dagy: Dagy, person: Person) -> str:
    """Log the command in as somebody, and return the token."""
    with dagy.start("login") as process:
        person.let_in(person.open(said(process, r"^(http\S+)$")))
        assert process.wait(timeout=PATIENCE_SECONDS) == 0
    return dagy("auth", "token").stdout.strip()
