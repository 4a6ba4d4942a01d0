"""Where other engines are installed, and in which environment they run."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

REQUIREMENTS: Mapping[str, Sequence[str]] = {
    # FastAPI: the server of Prefect 3.8 does not start with the newest. Prefect 3.9 needs a release
    # of certifi that is not everywhere yet.
    "prefect": ("prefect>=3.8,<3.9", "fastapi<0.151"),
    "dagster": ("dagster>=1.13,<2",),
    "luigi": ("luigi>=3.8,<4",),
    "metaflow": ("metaflow>=2.19,<3",),
}

COMMAND_LINES: Mapping[str, Sequence[str]] = {
    **{peer: REQUIREMENTS[peer] for peer in ("prefect", "dagster", "metaflow")},
    "airflow": ("apache-airflow>=3,<4",),
}
"""Engines with a command line worth comparing; Airflow runs nothing without its servers."""

_QUIET = {
    "DO_NOT_TRACK": "1",
    "NO_COLOR": "1",
    "PYTHONWARNINGS": "ignore",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "METAFLOW_USER": "benchmark",
}
_DAGSTER_SETTINGS = "telemetry:\n  enabled: false\n"


def install(peer: str, directory: Path) -> str:
    """Return the interpreter of a peer's environment; make the environment if it is missing.

    Raises:
        CalledProcessError: When pip fails.
    """
    environment = (directory / peer).absolute()
    python = environment / "bin" / "python"
    needed = {**REQUIREMENTS, **COMMAND_LINES}[peer]
    requirements = "\n".join(needed) + "\n"
    installed = environment / "installed.txt"  # written last: what is there then is whole
    if not installed.exists() or installed.read_text(encoding="utf-8") != requirements:
        print(f"installing {peer} …", file=sys.stderr, flush=True)
        venv.create(environment, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *needed], check=True)
        installed.write_text(requirements, encoding="utf-8")
    return str(python)


def installed_version(peer: str, python: str) -> str:
    """Return which release of a peer is in its environment."""
    code = f"from importlib.metadata import version; print(version({peer!r}))"
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def environ(home: Path) -> dict[str, str]:
    """Return environment variables: no telemetry, and all that a peer keeps in this directory."""
    places = {
        "HOME": home,
        "TMPDIR": home / "tmp",
        "PREFECT_HOME": home / "prefect",
        "DAGSTER_HOME": home / "dagster",
        "AIRFLOW_HOME": home / "airflow",
        "METAFLOW_HOME": home / "metaflow-settings",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": home / "metaflow",
    }
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    (home / "dagster" / "dagster.yaml").write_text(_DAGSTER_SETTINGS, encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | _QUIET | {name: str(place) for name, place in places.items()}
