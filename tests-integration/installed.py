"""What an installed Dagy is used through: an environment, and its command."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FLOWS = Path(__file__).parent / "flows"


def run(command: list[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command that has to succeed, and return what it printed."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert ended.returncode == 0, f"{command} exited with {ended.returncode}:\n{ended.stderr}"
    return ended


@dataclass(frozen=True)
class Environment:
    """A virtual environment, without a pip of its own: to install that takes a while."""

    directory: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def dagy(self) -> Path:
        return self.directory / "bin" / "dagy"

    @property
    def pip(self) -> list[str | Path]:
        """The pip of these tests, at work in this environment."""
        return [sys.executable, "-m", "pip", "--python", self.python]

    @property
    def distributions(self) -> set[str]:
        """The names of all that is installed."""
        listed = run([*self.pip, "list", "--format", "freeze"]).stdout
        return {line.partition("==")[0] for line in listed.split()}


def on_terminal(
    command: list[str], *, cwd: Path, env: dict[str, str], columns: int
) -> tuple[int, str]:
    """Run a command on a terminal of this width; return its exit code and what it shows."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    shown = b""
    try:
        while part := os.read(controller, 65536):
            shown += part
    except OSError as error:
        if error.errno != errno.EIO:  # how Linux says that nobody holds the terminal any more
            raise
    finally:
        os.close(controller)
    return process.wait(timeout=60), shown.decode().replace("\r\n", "\n")


def said(process: subprocess.Popen[str], pattern: str) -> str:
    """Return the group of the first line on a process's stderr from here on that matches."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"it has ended without {pattern}:\n{''.join(lines)}")


class Dagy:
    """The installed command, with local state of its own."""

    def __init__(self, command: Path, environ: dict[str, str], directory: Path) -> None:
        self.command = command
        self.environ = environ
        self.directory = directory

    def __call__(self, *arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            env=self.environ | environ,
            cwd=self.directory,
        )

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=self.environ,
            cwd=self.directory,
            start_new_session=True,
        )

    def json(self, *arguments: str | Path) -> Any:
        ended = self(*arguments, "--format", "json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)
