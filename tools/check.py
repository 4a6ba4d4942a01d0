"""Run every check and every test of the tree. Needs Python 3.10 or newer, with pip and venv.

    python3 tools/check.py                        with the Python that runs this
    python3 tools/check.py --lowest-and-newest    the packages on Python 3.10 with the lowest
                                                  versions they allow, and on the newest here
    python3 tools/check.py --only lint            a part; may be repeated

The tools go into .venv-check, their environments into .hatch and .tox; the next run re-uses them.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - an older Python deserves a plain answer
    sys.exit(f"tools/check.py needs Python 3.10 or newer; this is {sys.version.split()[0]}.")

import argparse
import os
import re
import shutil
import subprocess
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_VENV = _ROOT / ".venv-check"
_REQUIREMENTS = ("hatch>=1.18,<2", "tox>=4.28,<5")
_PACKAGES = ("types", "store", "auth", "client", "sdk", "cli", "server")
_PACKAGES_WITH_FLOORS = ("auth", "client", "cli", "server")  # those that need more than siblings
_PARTS = ("lint", "types", "packages", "integration")
_LOWEST = (3, 10)
# What would lead the tools or the tests away from the environments made for them.
_AMBIENT = re.compile(
    r"PYTHON(PATH|HOME)|VIRTUAL_ENV|HATCH_(ENV|PROJECT).*|(TOX|COVERAGE|PYTEST)_.*"
)
_ASK_VERSION = (
    "import sys; v = sys.version_info; "
    "print(sys.implementation.name, v.releaselevel, v.major, v.minor, sys.executable)"
)


@dataclass(frozen=True)
class Step:
    """One command, shown under a heading."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """How a step went."""

    name: str
    is_passed: bool
    seconds: float


class CheckError(Exception):
    """The checks cannot start; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps that the arguments ask for; return 1 when one failed, 2 when none can start."""
    options = _parser().parse_args(arguments)
    try:
        steps = _steps(options.only or list(_PARTS), options.lowest_and_newest)
        _provide_tools()
    except CheckError as error:
        print(f"tools/check.py: {error}", file=sys.stderr)
        return 2
    results = [_run(step) for step in steps]
    _print_summary(results)
    return 0 if all(result.is_passed for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Run every check and every test of the tree.", allow_abbrev=False
    )
    parser.add_argument(
        "--lowest-and-newest",
        action="store_true",
        help="test the packages on Python 3.10 and on the newest Python found, not on this one",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=_PARTS,
        metavar="PART",
        help="run only this part: %(choices)s; may be repeated",
    )
    return parser


def _steps(parts: Sequence[str], lowest_and_newest: bool) -> list[Step]:
    environment = {
        name: value for name, value in os.environ.items() if not _AMBIENT.fullmatch(name)
    }
    environment["PYTHONUNBUFFERED"] = "1"
    pythons, search_path = ["py"], environment.get("PATH", os.defpath)
    if lowest_and_newest:
        found = _interpreters(search_path)
        chosen = sorted({_lowest_of(found), max(found)})
        print("Testing on Python", " and ".join(f"{x}.{y} ({found[x, y]})" for x, y in chosen))
        pythons = [f"py{major}{minor}" for major, minor in chosen]
        directories = [str(found[version].parent) for version in chosen]
        environment["PATH"] = os.pathsep.join([*directories, search_path])
    # Hatch shows what pip says, and pip has much to say.
    for_hatch = {**environment, "HATCH_PYTHON": "self", "PIP_QUIET": "2"}
    steps = [Step(part, _check_in(part), for_hatch) for part in ("lint", "types") if part in parts]
    tested = [part for part in ("packages", "integration") if part in parts]
    if tested:
        # All side by side: what waits for a server or a browser leaves a processor to the others.
        parallel = ["run-parallel", "--parallel", "auto", "--parallel-no-spinner"]
        names = ",".join(_environments(pythons, tested))
        command = [*_tool("tox"), *parallel, "-e", names]
        steps.append(Step(" and ".join(tested), command, environment))
    return steps


def _environments(pythons: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Return tox's environments, the slow ones first: they run side by side."""
    integration = [f"{pythons[-1]}-integration"] if "integration" in parts else []
    return [*integration, *(_of_packages(pythons) if "packages" in parts else [])]


def _of_packages(pythons: Sequence[str]) -> list[str]:
    slow_first = _PACKAGES[::-1]
    chosen = [f"{pythons[-1]}-{package}" for package in slow_first]
    if len(pythons) > 1:
        oldest = dict.fromkeys(_PACKAGES_WITH_FLOORS, "-oldest")
        chosen += [f"{pythons[0]}-{package}{oldest.get(package, '')}" for package in slow_first]
        chosen.insert(0, f"{pythons[-1]}-server-postgres")
    return chosen


def _check_in(environment: str) -> list[str]:
    """Return `hatch run ENVIRONMENT:check`, going on after a command that failed."""
    return [*_tool("hatch"), "env", "run", "-e", environment, "--force-continue", "--", "check"]


def _tool(name: str) -> list[str]:
    return [str(_VENV / "bin" / "python"), "-m", name]


def _lowest_of(found: Mapping[tuple[int, int], Path]) -> tuple[int, int]:
    if _LOWEST not in found:
        seen = ", ".join(f"{major}.{minor}" for major, minor in sorted(found)) or "none"
        raise CheckError(
            f"Python {_LOWEST[0]}.{_LOWEST[1]} is neither on PATH nor under pyenv"
            f" (found: {seen}).\n"
            "Install it, or leave out --lowest-and-newest to test with this Python."
        )
    return _LOWEST


def _interpreters(search_path: str) -> dict[tuple[int, int], Path]:
    """Return the first released CPython of each minor version, from 3.10 on."""
    found: dict[tuple[int, int], Path] = {}
    for candidate in _candidates(search_path):
        match = re.fullmatch(r"python3\.(\d+)", candidate.name)
        if match and int(match[1]) >= _LOWEST[1] and (3, int(match[1])) not in found:
            known = _identify(candidate)
            if known is not None and known[0] == (3, int(match[1])):
                found[known[0]] = known[1]
    return found


def _candidates(search_path: str) -> Iterator[Path]:
    for directory in search_path.split(os.pathsep):
        yield from sorted(Path(directory or ".").glob("python3.*"))
    pyenv = shutil.which("pyenv", path=search_path)
    if pyenv:
        asked = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            yield from sorted(Path(asked.stdout.strip()).glob("versions/*/bin/python3.*"))


def _identify(candidate: Path) -> tuple[tuple[int, int], Path] | None:
    """Ask an interpreter what it is; a name proves nothing, it may be a shim that leads nowhere."""
    try:
        asked = subprocess.run(
            [candidate, "-I", "-c", _ASK_VERSION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = asked.stdout.strip().split(" ", 4)
    if asked.returncode or len(answer) != 5 or answer[:2] != ["cpython", "final"]:
        return None
    return (int(answer[2]), int(answer[3])), Path(answer[4])


def _provide_tools() -> None:
    """Make .venv-check, unless it is there with these requirements and this Python.

    Raises:
        CheckError: When it cannot be made.
    """
    stamp = _VENV / "made-of.txt"
    wanted = "\n".join([sys.version, sys.base_prefix, str(_VENV), *_REQUIREMENTS])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print("Setting up hatch and tox in .venv-check (once)")
    shutil.rmtree(_ROOT / ".hatch", ignore_errors=True)  # made with the Python of before
    try:
        venv.create(_VENV, clear=True, with_pip=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CheckError(
            f"this Python cannot make a virtual environment: {error}\n"
            "On Debian and Ubuntu, install the package python3-venv."
        ) from error
    installed = subprocess.run(
        [*_tool("pip"), "install", "--disable-pip-version-check", *_REQUIREMENTS],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if installed.returncode:
        raise CheckError(f"hatch and tox cannot be installed.\n{installed.stdout}")
    stamp.write_text(wanted, encoding="utf-8")


def _run(step: Step) -> Result:
    print(f"\n=== {step.name} ===")
    started = time.monotonic()
    done = subprocess.run(
        step.command, cwd=_ROOT, env=step.environment, stdin=subprocess.DEVNULL, check=False
    )
    return Result(step.name, done.returncode == 0, time.monotonic() - started)


def _print_summary(results: Sequence[Result]) -> None:
    print("\n=== summary ===")
    for result in results:
        outcome = "passed" if result.is_passed else "FAILED"
        print(f"{result.name:<24} {outcome}  {result.seconds:6.1f} s")
    failed = [result.name for result in results if not result.is_passed]
    print(f"Failed: {', '.join(failed)}." if failed else "All passed.")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text stream here
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
