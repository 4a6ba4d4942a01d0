"""`dagy server`: run a control plane; the distribution dagy-server brings what it does."""

from __future__ import annotations

from argparse import Namespace
from typing import Any, NoReturn

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser
from dagy_cli.render.view import Verbatim
from dagy_types.errors import ConfigError

_GROUP = "dagy.commands"
_NAME = "server"
_EXAMPLES = ("dagy server start", "dagy server start --port 9000 --data-dir /srv/dagy")


def configure(parser: CommandParser) -> None:
    """Add the commands of `dagy server`."""
    parser.description = "Run a control plane that others can log in to."
    parser.add_examples(*_EXAMPLES)
    kind = CommandParser if _is_installed() else _ParserWithoutServer
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=kind)
    commands.add_parser("start", help="start a server", configure=configure_start)


def configure_start(parser: CommandParser) -> None:
    """Add the arguments of `dagy server start`, as dagy-server has them."""
    parser.set_defaults(handler=start, format="text")
    if not _is_installed():
        parser.description = "Start a server. It is not installed; run: pip install dagy-server"
        parser.add_examples(*_EXAMPLES)
        return
    command = _command()
    parser.description = command.DESCRIPTION
    parser.add_examples(*command.EXAMPLES)
    command.configure(parser)


def start(args: Namespace, app: App) -> Answer:
    """Serve until the process is told to stop.

    Raises:
        ConfigError: When dagy-server is not installed.
    """
    if not _is_installed():
        raise _not_installed()
    _command().start(args, environ=app.environ, say=app.console.alert)
    return Answer(Verbatim(""))


class _ParserWithoutServer(CommandParser):
    """Takes no arguments, and says why."""

    def error(self, message: str) -> NoReturn:  # noqa: ARG002 - argparse calls it so
        """Refuse the arguments, which only dagy-server knows.

        Raises:
            ConfigError: Always.
        """
        raise _not_installed()


def _is_installed() -> bool:
    return bool(_entry_points())


def _command() -> Any:  # Any: a module of another distribution
    return _entry_points()[0].load()


def _entry_points() -> tuple[Any, ...]:  # Any: the metadata is imported where it is used
    from importlib.metadata import entry_points

    return tuple(entry_points(group=_GROUP, name=_NAME))


def _not_installed() -> ConfigError:
    return ConfigError("The server is not installed.", hint="Run: pip install dagy-server")
