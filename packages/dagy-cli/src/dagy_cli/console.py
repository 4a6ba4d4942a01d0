"""The two streams of the command: data on stdout, words for people on stderr."""

from __future__ import annotations

import os

from dagy_cli.escaping import visible

TYPE_CHECKING = False  # as in `typing`, whose import would be a third of the start of `--version`
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO


class OutputError(Exception):
    """Stdout cannot take the output; the message says why."""


class Console:
    """Writes to the two streams and knows what each may carry.

    Args:
        color: ``auto``, ``always`` or ``never``.
        is_quiet: Leave out notes.
        uses_utc: Show times in UTC, not in the zone of this machine.

    Attributes:
        table_format: The style of tables on a terminal, as tabulate knows it; "" for the usual.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        *,
        environ: Mapping[str, str],
        color: str = "auto",
        is_quiet: bool = False,
        uses_utc: bool = False,
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.is_quiet = is_quiet
        self.uses_utc = uses_utc
        self.table_format = ""
        self._environ = environ
        self._color = color

    def allows_escapes(self, stream: TextIO) -> bool:
        """Whether ESC may be written to the stream (https://no-color.org, TERM=dumb)."""
        if self._color == "never" or self._environ.get("NO_COLOR"):
            return False
        if self._environ.get("TERM") == "dumb":
            return False
        is_forced = self._color == "always" or bool(self._environ.get("FORCE_COLOR"))
        return is_forced or stream.isatty()

    @property
    def can_redraw(self) -> bool:
        """Whether stderr is a terminal on which a line can be drawn again."""
        return self.stderr.isatty() and self.allows_escapes(self.stderr)

    @property
    def columns(self) -> int:
        """The width of the terminal, of which `COLUMNS` has the last word."""
        import shutil  # only tables and progress need it

        # Before Python 3.11 a terminal that does not know its size is 0 columns wide.
        return shutil.get_terminal_size().columns or 80

    def deliver(self, chunks: Iterable[str], *, is_live: bool = False) -> None:
        """Write data to stdout, as far as somebody reads it: `| head -1` is no failure.

        Args:
            is_live: Hand on each chunk at once, for those who watch.

        Raises:
            OutputError: When it cannot be written.
        """
        for chunk in chunks:
            if not self._put(chunk, flushes=is_live):
                return
        self._put("", flushes=True)

    def note(self, text: str) -> None:
        """Tell people something that `--quiet` leaves out; control characters are escaped."""
        if not self.is_quiet:
            self.alert(text)

    def alert(self, text: str) -> None:
        """Tell people something that they need to know; control characters are escaped."""
        self.write_error(visible(text, keep="\n\t") + "\n")

    def write_error(self, text: str) -> None:
        """Write to stderr as it is."""
        try:
            self.stderr.write(text)
            self.stderr.flush()
        except OSError:
            # Nobody hears us, and there is no other stream to say so; the work goes on.
            _discard(self.stderr)

    def _put(self, text: str, *, flushes: bool) -> bool:
        try:
            self.stdout.write(text)
            if flushes:
                self.stdout.flush()
        except BrokenPipeError:
            _discard(self.stdout)
            return False
        except OSError as error:
            _discard(self.stdout)
            raise OutputError(f"Cannot write the output: {error.strerror}.") from error
        return True


def _discard(stream: TextIO) -> None:
    # What the stream still holds would fail again, with a message, when the interpreter exits.
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, stream.fileno())
    os.close(sink)
