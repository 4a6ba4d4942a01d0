"""What a command works with: the options, the environment, the console, the local store."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from dagy_cli.console import Console
from dagy_cli.exit_codes import ExitCode
from dagy_cli.render.view import DEFAULT_TABLE_FORMAT, Verbatim, View
from dagy_types import RunStore
from dagy_types.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from dagy_client import DagyClient


class Options(NamedTuple):
    """The options of every command.

    Attributes:
        profile: As ``--profile`` gave it; ``None`` for the usual one.
        uses_utc: Whether people see times in UTC, not in their own zone.
        allows_input: Whether a question may be asked where somebody can answer it.
    """

    profile: str | None = None
    is_verbose: bool = False
    is_quiet: bool = False
    is_debug: bool = False
    color: str = "auto"
    uses_utc: bool = False
    allows_input: bool = True


class Answer(NamedTuple):
    """What a command has to say once its work is done.

    Attributes:
        view: For stdout.
        notes: Lines for people, unless they asked for quiet.
        complaints: Lines for people in any case.
    """

    view: View | Verbatim
    exit_code: ExitCode = ExitCode.OK
    notes: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()


class App:
    """Opens what a command asks for, and closes it when the command is done.

    Args:
        open_store: Given the local directory, returns the store; tests pass a fake.
        connect: Given this, returns the client of the server; tests pass that of a fake server.
    """

    def __init__(
        self,
        *,
        options: Options,
        environ: Mapping[str, str],
        console: Console,
        open_store: Callable[[Path], AbstractContextManager[RunStore]] | None = None,
        connect: Callable[[App], AbstractContextManager[DagyClient]] | None = None,
    ) -> None:
        self.options = options
        self.environ = environ
        self.console = console
        self._open_store = open_store or _open_local_store
        self._connect = connect or _connect
        self._resources = ExitStack()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._resources.__exit__(kind, error, traceback)

    @cached_property
    def store(self) -> RunStore:
        """The local record of runs, opened on first use.

        Raises:
            StoreError: When it cannot be opened.
        """
        from dagy_store import local_directory

        return self._resources.enter_context(self._open_store(local_directory(self.environ)))

    def table_format(self) -> str:
        """Return the style of tables on a terminal that the profile asks for.

        No answer is lost for the sake of its looks: where the settings cannot be used, that is
        noted, and tables look as usual.
        """
        from dagy_cli.config_file import settings_of
        from dagy_cli.config_keys import value_of
        from dagy_cli.profiles import Flags

        flags = Flags(profile=self.options.profile)
        try:
            chosen = settings_of(flags, self.environ).table_format.value
            return str(value_of("table_format", chosen))
        except (ConfigError, UsageError) as error:
            self.console.note(f"Tables look as usual: {error.message}")
            return DEFAULT_TABLE_FORMAT

    def client(self) -> DagyClient:
        """Open a client of the server of the profile; it is closed with everything else.

        Raises:
            UsageError: When there is no such profile.
            ConfigError: When the profile names no server, or the file of profiles cannot be used.
            NotLoggedInError: When there is no token for the server.
        """
        return self._resources.enter_context(self._connect(self))


def options_of(args: Namespace) -> Options:
    """Return the options, wherever on the command line each was given.

    Raises:
        UsageError: When two of them contradict each other.
    """
    options = Options(
        profile=getattr(args, "profile", None),
        is_verbose=getattr(args, "verbose", False),
        is_quiet=getattr(args, "quiet", False),
        is_debug=getattr(args, "debug", False),
        color=getattr(args, "color", "auto"),
        uses_utc=getattr(args, "utc", False),
        allows_input=not getattr(args, "no_input", False),
    )
    if options.is_verbose and options.is_quiet:
        raise UsageError(
            "--verbose and --quiet cannot be used together.", hint="Leave out one of them."
        )
    return options


def format_of(args: Namespace) -> str:
    """Return the output format that the arguments ask for."""
    is_raw = args.format == "csv" and getattr(args, "csv_raw", False)
    return "csv-raw" if is_raw else str(args.format)


def _open_local_store(directory: Path) -> AbstractContextManager[RunStore]:
    from dagy_store import LocalMetadataStore

    return LocalMetadataStore(directory)


def _connect(app: App) -> AbstractContextManager[DagyClient]:
    from dagy_cli.remote import connected  # httpx and pydantic take long to load

    return connected(app)
