"""Where a run is: on this machine, or at a server. Commands do not care which."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, NamedTuple

from dagy_cli.app import App
from dagy_cli.parser import CommandParser
from dagy_types import RunQuery
from dagy_types.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from dagy_client import DagyClient
    from dagy_types import Run, RunReader


_SHORTEST_BEGINNING = 6
_LONGEST_ID = 32
_SHOWN_CANDIDATES = 5


class Place(NamedTuple):
    """A place of runs.

    Attributes:
        client: Of the server; ``None`` for this machine.
    """

    reader: RunReader
    client: DagyClient | None = None

    @property
    def name(self) -> str:
        """How people call it."""
        return "local" if self.client is None else "remote"


def add_place_options(parser: CommandParser, *, here: str, there: str) -> None:
    """Add the options that say where to look.

    Args:
        here: What ``--local`` does, for the help; so ``there``.
    """
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--local", action="store_true", help=here)
    where.add_argument("--remote", action="store_true", help=there)


def add_run_id(parser: CommandParser) -> None:
    """Add the id of a run, of which the beginning is enough."""
    parser.add_argument(
        "run_id", metavar="RUN", help=f"its id, or {_SHORTEST_BEGINNING} characters of it or more"
    )


def add_run_argument(parser: CommandParser) -> None:
    """Add the id of a run, and where to look for it."""
    add_run_id(parser)
    add_place_options(
        parser,
        here="look for it on this machine only",
        there="look for it at the server only (else there if this machine has no such run)",
    )


def server_place(app: App) -> Place:
    """Return the server of the profile.

    Raises:
        ConfigError: When no server is known.
        AuthError: When there is no token for it.
    """
    from dagy_cli.remote_reader import RemoteReader

    client = app.client()
    return Place(RemoteReader(client), client)


def find_run(reader: RunReader, beginning: str) -> Run:
    """Return the run with this id or, from 6 characters on, the only one whose id begins like this.

    Raises:
        NotFoundError: When there is none.
        UsageError: When there are several; names some.
    """
    try:
        return reader.get_run(beginning)
    except NotFoundError:
        if not _SHORTEST_BEGINNING <= len(beginning) <= _LONGEST_ID:
            raise
        found = reader.list_runs(RunQuery(id_prefix=beginning), limit=_SHOWN_CANDIDATES + 1)
        if not found:
            raise
    if len(found) == 1:
        return found[0]
    shown = ", ".join(run.run_id for run in found[:_SHOWN_CANDIDATES])
    more = "" if len(found) <= _SHOWN_CANDIDATES else " and more"
    raise UsageError(
        f"{beginning!r} is the beginning of several runs: {shown}{more}.",
        hint="Type more of the id.",
    )


def place_of_run(args: Namespace, app: App) -> tuple[Place, Run]:
    """Return where the run of the arguments is, and the run.

    A server is asked only for what this machine does not have, unless ``--remote`` says otherwise.

    Raises:
        NotFoundError: When it is in none of the places that may be looked at.
        UsageError: When what is given of the id fits several.
    """
    if args.remote:
        place = server_place(app)
        return place, find_run(place.reader, args.run_id)
    try:
        return Place(app.store), find_run(app.store, args.run_id)
    except NotFoundError as error:
        if args.local or not knows_a_server(app):
            raise
        absent = error
    place = server_place(app)
    try:
        return place, find_run(place.reader, args.run_id)
    except NotFoundError:
        raise NotFoundError(
            f"{absent.message.removesuffix('.')}, neither on this machine nor at the server.",
            hint="Run: dagy runs list; or, for those of the server: dagy runs list --remote",
        ) from None


def knows_a_server(app: App) -> bool:
    """Whether the environment or the profile names a server."""
    # Profiles are in a YAML file, which takes long to load.
    from dagy_cli.config_file import settings_of
    from dagy_cli.profiles import Flags

    flags = Flags(profile=app.options.profile)
    return settings_of(flags, app.environ).api_url is not None
