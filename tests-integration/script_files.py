"""Acceptance scripts: what people type, and what they see.

A script is a text file. Its first lines, which begin with ``#``, say what it shows. Then come
commands and what each has to do:

    $ dagy runs list --status nice     a line for bash, in a directory with etl.py
    > RUN  FLOW                        a line on stdout
    2> error: ...                      a line on stderr
    ? 2                                the exit code, when it is not 0

``…`` stands for any text within a line, and alone for any lines; spaces count once. A command
``NAME=$(…)`` keeps a value for all that follows, also in expected lines, as ``$NAME``. After a line
``-- path --`` comes the content of a file that is there from the beginning.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_FILE = re.compile(r"^-- (\S+) --\n", re.MULTILINE)
_ANY = "…"


@dataclass
class Step:
    """A command, and what it has to do."""

    command: str
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    code: int = 0


@dataclass(frozen=True)
class Script:
    """A script that was read.

    Attributes:
        files: The content of each file, by its path.
    """

    description: str
    steps: tuple[Step, ...]
    files: Mapping[str, str]


def read_script(path: Path) -> Script:
    """Read a script.

    Raises:
        ValueError: When a line is none of those that a script has.
    """
    text, *parts = _FILE.split(path.read_text(encoding="utf-8"))
    description, steps = [], []
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "#" and not steps:
            description.append(rest)
        elif kind == "$":
            steps.append(Step(rest))
        elif kind == ">" and steps:
            steps[-1].stdout.append(rest)
        elif kind == "2>" and steps:
            steps[-1].stderr.append(rest)
        elif kind == "?" and steps:
            steps[-1].code = int(rest)
        elif line.strip():
            raise ValueError(f"{path.name}: {line!r}")
    if not description or not steps:
        raise ValueError(f"{path.name}: it shows nothing, or does not say what")
    files = dict(zip(parts[::2], parts[1::2], strict=True))
    return Script(" ".join(description), tuple(steps), files)


def play(script: Script, directory: Path, environ: Mapping[str, str]) -> None:
    """Run a script in a directory; raise what differs from what it says."""
    for name, content in script.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    values: dict[str, str] = {}
    for step in script.steps:
        _play(step, directory, environ, values)


def _play(step: Step, directory: Path, environ: Mapping[str, str], values: dict[str, str]) -> None:
    assigned = re.match(r"([A-Z]+)=\$\(", step.command)
    given = "".join(f"{name}={shlex.quote(value)}; " for name, value in values.items())
    told = f'; printf %s "${assigned[1]}"' if assigned else ""
    ended = subprocess.run(
        ["bash", "-c", f"{given}{step.command}{told}"],
        cwd=directory,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if assigned:
        values[assigned[1]] = ended.stdout
    found = "" if assigned else ended.stdout
    said = f"$ {step.command}\n{ended.stdout}{ended.stderr}exit code {ended.returncode}"
    assert ended.returncode == step.code, said
    for what, lines, expected in (
        ("stdout", found.splitlines(), step.stdout),
        ("stderr", ended.stderr.splitlines(), step.stderr),
    ):
        pattern = "".join(_patterns(expected, values))
        text = "".join(f"{_squeezed(line)}\n" for line in lines)
        assert re.fullmatch(pattern, text), f"{said}\nexpected on {what}: {expected}"


def _patterns(lines: list[str], values: Mapping[str, str]) -> Iterator[str]:
    for line in lines:
        if line.strip() == _ANY:
            yield r"(?:.*\n)*"
            continue
        for name, value in values.items():
            line = line.replace(f"${name}", value)
        yield ".*".join(map(re.escape, _squeezed(line).split(_ANY))) + r"\n"


def _squeezed(line: str) -> str:
    return " ".join(line.split())
