"""What a command works with: the options, the environment, the console, the local store."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dagy_cli.console import Console
from dagy_cli.exit_codes import ExitCode
from dagy_cli.render.view import Verbatim, View
from dagy_types import RunStore
from dagy_types.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of every command."""

    is_verbose: bool = False
    is_quiet: bool = False
    color: str = "auto"


@dataclass(frozen=True, slots=True)
class Answer:
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
    """

    def __init__(
        self,
        *,
        options: Options,
        environ: Mapping[str, str],
        console: Console,
        open_store: Callable[[Path], AbstractContextManager[RunStore]] | None = None,
    ) -> None:
        self.options = options
        self.environ = environ
        self.console = console
        self._open_store = open_store or _open_local_store
        self._resources = ExitStack()

    def __enter__(self) -> App:
        return self

    def __exit__(self, *exception: object) -> None:
        self._resources.close()

    @cached_property
    def store(self) -> RunStore:
        """The local record of runs, opened on first use.

        Raises:
            StoreError: When it cannot be opened.
        """
        from dagy_store import local_directory

        return self._resources.enter_context(self._open_store(local_directory(self.environ)))


def options_of(args: Namespace) -> Options:
    """Return the options, wherever on the command line each was given.

    Raises:
        UsageError: When two of them contradict each other.
    """
    options = Options(
        is_verbose=getattr(args, "verbose", False),
        is_quiet=getattr(args, "quiet", False),
        color=getattr(args, "color", "auto"),
    )
    if options.is_verbose and options.is_quiet:
        raise UsageError(
            "--verbose and --quiet cannot be used together.", hint="Leave out one of them."
        )
    return options


def _open_local_store(directory: Path) -> AbstractContextManager[RunStore]:
    from dagy_store import LocalMetadataStore

    return LocalMetadataStore(directory)
