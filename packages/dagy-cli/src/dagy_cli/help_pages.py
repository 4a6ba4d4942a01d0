"""Pages of `dagy help` that belong to no command alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from textwrap import fill

from dagy_cli.exit_codes import MEANINGS

VARIABLES: Mapping[str, str] = {
    "DAGY_LOCAL_DIR": "where runs and config.yaml are; ~/.dagy by default",
    "DAGY_LOCAL_VERBOSE": "true, 1, yes or on: as --verbose for dagy run; the flags beat it",
    "DAGY_LOCAL_ARTIFACT_MAX_BYTES": "the most bytes of an artifact of a task; 5242880 by default",
    "DAGY_API_URL": "the server; beats the profile",
    "DAGY_APP_URL": "the web app of servers that cannot log people in; https://dagy.io by default",
    "DAGY_PROFILE": "the profile to use; --profile beats it",
    "DAGY_TOKEN": "a token; beats every login",
    "DAGY_TOKEN_FILE": "the path of a file with a token; beats every login",
    "DAGY_AUTH_STORAGE": "auto, keyring or file: where tokens are kept; --storage beats it",
    "DAGY_ARTIFACT_BUCKET": "an S3 bucket for archives that are deployed",
    "AWS_REGION, AWS_DEFAULT_REGION": "the region of that bucket; us-east-1 by default",
    "BROWSER": "the browser for logging in; none for none",
    "NO_COLOR": "when not empty: no colours, no progress line",
    "FORCE_COLOR": "when not empty: colours in pipes, too",
    "TERM": "dumb: no colours, no progress line",
    "COLUMNS": "how wide tables on a terminal are",
}
"""Each environment variable that the command reads, and what it means."""

_WIDTH = 80


def _exit_codes() -> str:
    rows = ((str(code.value), meaning) for code, meaning in MEANINGS.items())
    return "Exit codes: 1 to 9 speak of the command, 10 to 13 of the flow.\n\n" + _list(rows)


def _environment() -> str:
    return "Environment variables; an empty one counts as absent.\n\n" + _list(VARIABLES.items())


PAGES: Mapping[str, Callable[[], str]] = {"exit-codes": _exit_codes, "environment": _environment}
"""Each topic's name, and what makes its page."""


def _list(rows: Iterable[tuple[str, str]]) -> str:
    rows = list(rows)
    indent = max(len(name) for name, _ in rows) + 4
    lines = (
        fill(
            meaning,
            _WIDTH,
            initial_indent=f"  {name}".ljust(indent),
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        )
        for name, meaning in rows
    )
    return "\n".join(lines) + "\n"
