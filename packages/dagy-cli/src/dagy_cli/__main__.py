"""Start the command: `python -m dagy_cli`, and the installed `dagy`."""

from __future__ import annotations

import gc
import os
import sys


def run() -> None:
    """Run the command on this process's arguments and streams, and exit with its code."""
    _open_missing_streams()
    # A name that the terminal's encoding lacks is shown escaped, never a reason to fail.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # TextIO lacks it
    from dagy_cli.main import main

    code = main()
    # At its end the interpreter would look through every object for cycles, to free them: a fifth
    # of the time that a short run takes. The system frees all at once.
    gc.freeze()
    sys.exit(code)


def _open_missing_streams() -> None:
    # A caller may close a stream (`dagy … >&-`). The next file opened would take its number, and
    # text meant for people would land in it.
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    run()
