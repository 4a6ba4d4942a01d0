"""``python -m dagy_server``: the same as ``dagy server start``, where dagy-cli is not installed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from dagy_server import command
from dagy_types.errors import ConfigError, DagyError

_FAILED, _USAGE = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until the process is told to stop, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dagy_server", description=command.DESCRIPTION, allow_abbrev=False
    )
    command.configure(parser)
    args = parser.parse_args(argv)
    try:
        command.start(args, environ=os.environ, say=_say)
    except DagyError as error:
        _say(f"Error: {error.message}")
        if error.hint:
            _say(f"Hint: {error.hint}")
        return _USAGE if isinstance(error, ConfigError) else _FAILED
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
