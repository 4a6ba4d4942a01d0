"""The tree of commands and their arguments.

A command is one module in `dagy_cli.commands` with a function ``configure(parser)``, and one line
in `COMMANDS`. Its module is imported when its arguments are parsed, not before.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

TYPE_CHECKING = False  # as in `typing`, which `dagy --help` can do without
if TYPE_CHECKING:
    from typing import Any, NoReturn

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("dagy_cli.commands.run", "run a flow, here or at a server"),
    "graph": ("dagy_cli.commands.graph", "show the graph of a flow"),
    "build": ("dagy_cli.commands.build", "pack a flow into an archive"),
    "deploy": ("dagy_cli.commands.deploy", "bring an archive to a server"),
    "runs": ("dagy_cli.commands.runs.verbs", "list, show, watch, cancel, resume and compare runs"),
    "replay": ("dagy_cli.commands.replay", "run one task of a run again, to look into it"),
    "logs": ("dagy_cli.commands.logs", "show what a run logged"),
    "flows": ("dagy_cli.commands.flows.verbs", "look at the flows of a server"),
    "deployments": ("dagy_cli.commands.deployments.verbs", "look at the deployments of a server"),
    "api-keys": ("dagy_cli.commands.api_keys.verbs", "make, list and revoke keys for programs"),
    "login": ("dagy_cli.commands.login", "log in to a server"),
    "logout": ("dagy_cli.commands.logout", "log out of a server"),
    "whoami": ("dagy_cli.commands.whoami", "show who you are to the server"),
    "auth": ("dagy_cli.commands.auth.verbs", "look at the logins of this machine"),
    "config": ("dagy_cli.commands.config.verbs", "look at the profiles, and change them"),
    "store": ("dagy_cli.commands.store.verbs", "look after the record of runs"),
    "doctor": ("dagy_cli.commands.doctor", "look whether all is well here"),
    "server": ("dagy_cli.commands.server", "run a control plane"),
    "schema": ("dagy_cli.commands.schema", "show what a command prints with --format json"),
    "completion": ("dagy_cli.commands.completion", "complete words in a shell"),
    "help": ("dagy_cli.commands.help", "explain a command, the exit codes, the environment"),
    "version": ("dagy_cli.commands.version", "show the versions of all that takes part"),
}
"""Each command's name, module and one-line summary."""

FORMATS = ("table", "json", "jsonl", "yaml", "csv")
"""What every answer can be printed as; one of things with names also as those alone."""

_HELP_WIDTH = 78

_GLOBAL_OPTIONS = frozenset(
    {"help", "version", "profile", "verbose", "quiet", "debug", "color", "utc", "no_input"}
)


class TextRequest(Exception):  # noqa: N818 (it ends the parsing, nothing went wrong)
    """The arguments ask for a text on stdout, such as the help, and for nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class CommandParser(argparse.ArgumentParser):
    """An argument parser of one command, which raises in place of printing and exiting.

    Args:
        configure: Adds the command's own arguments; those of every command follow.
    """

    def __init__(self, *, configure: Callable[[CommandParser], None], **settings: Any) -> None:
        super().__init__(
            add_help=False, allow_abbrev=False, formatter_class=_HelpFormatter, **settings
        )
        self.color = False  # from Python 3.14 on, help would be coloured against our own rule
        configure(self)
        _add_global_options(self)

    def add_examples(self, *examples: str) -> None:
        """End the help with these command lines."""
        self.epilog = "\n".join(["Examples:", *(f"  {example}" for example in examples)])

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse.

        Raises:
            UsageError: When an argument is unknown: here, and not in `parse_args`, it is known to
                which command it was given.
        """
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        if not hasattr(parsed, "handler"):  # a noun without its verb
            self.show_help()
        return parsed, unknown

    def show_help(self) -> NoReturn:
        """Ask for the help of this command.

        Raises:
            TextRequest: Always.
        """
        raise TextRequest(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            UsageError: Always.
        """
        from dagy_types.errors import UsageError

        text = message[:1].upper() + message[1:]
        raise UsageError(f"{text}.", hint=f"Run: {self.prog} --help")

    def _parse_optional(self, arg_string: str) -> Any:
        # To argparse a word that begins with a minus is an option, whatever an option's values are.
        if any(arg_string in (action.choices or ()) for action in self._actions):
            return None
        return super()._parse_optional(arg_string)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = list(action.choices or ())
        if not choices or value in choices:
            return
        from dagy_types.errors import UsageError

        what = "/".join(action.option_strings) or str(action.metavar).lower()
        raise UsageError(f"Unknown {what}: {value!r}.", hint=self._advice(action, value, choices))

    def _advice(self, action: argparse.Action, value: str, choices: Iterable[str]) -> str:
        from difflib import get_close_matches

        near = get_close_matches(value, choices, n=1)
        if not isinstance(action, argparse._SubParsersAction):
            return f"Use one of: {', '.join(choices)}."
        return f"Did you mean: {self.prog} {near[0]}" if near else f"Run: {self.prog} --help"


class _Branch:
    """Stands for the parser of a command, which is made when something is asked of it."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._parser: CommandParser | None = None

    def __getattr__(self, name: str) -> Any:
        if self._parser is None:
            self._parser = CommandParser(**self._settings)
        return getattr(self._parser, name)


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    # argparse makes one for every argument; each would ask for the width of the terminal, which
    # takes longer than all of `--help` needs otherwise.
    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, **{"width": _HELP_WIDTH, **settings})

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: Any = None) -> None:
        # The options of every command are listed below; here they would bury the command's own.
        own = [action for action in actions if action.dest not in _GLOBAL_OPTIONS]
        super().add_usage(usage, own, groups, prefix)


class _HelpAction(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        assert isinstance(parser, CommandParser)
        parser.show_help()


class _VersionAction(argparse.Action):
    def __call__(self, *_: object) -> None:
        from dagy_cli.version import version_line

        raise TextRequest(version_line())


def build_parser() -> CommandParser:
    """Return the parser of the whole command; its branches are made when they are used."""
    return CommandParser(prog="dagy", configure=_configure_root)


def _configure_root(parser: CommandParser) -> None:
    parser.description = "Run flows of plain Python functions, and look at what they did."
    parser.add_examples(
        "dagy run etl.py:daily --param day=2026-11-01", "dagy runs list", "dagy logs RUN"
    )
    add_branches(parser, COMMANDS)


def _importer(module: str) -> Callable[[CommandParser], None]:
    def configure(parser: CommandParser) -> None:
        import_module(module).configure(parser)

    return configure


def add_format_option(parser: argparse.ArgumentParser, *, has_names: bool = False) -> None:
    """Add `--format`, which every command with an answer has.

    Args:
        has_names: Whether the answer is one or more things that other commands know by a name.
    """
    parser.add_argument(
        "--format",
        choices=(*FORMATS, "name") if has_names else FORMATS,
        default="table",
        help="how to print the answer (table)",
    )
    parser.add_argument(
        "--csv-raw",
        action="store_true",
        help="leave texts in CSV as they are, though a spreadsheet may take one for a formula",
    )


def add_limit_option(parser: argparse.ArgumentParser) -> None:
    """Add `--limit`, which lists have that a server keeps."""
    from dagy_cli.arguments import positive_number

    parser.add_argument(
        "--limit", type=positive_number, default=20, metavar="N", help="at most so many (20)"
    )


def add_catalogue_options(parser: argparse.ArgumentParser) -> None:
    """Add the filters of what a server has registered and deployed."""
    add_limit_option(parser)
    parser.add_argument("--flow", metavar="NAME", help="only those of the flow with this name")
    parser.add_argument("--namespace", metavar="NS", help="only those in this namespace")


def add_branches(parser: CommandParser, branches: Mapping[str, tuple[str, str]]) -> None:
    """Give a parser its branches: name, module, summary. Alone, the parser shows its help."""
    # With the name given, argparse does not make a page of help only to find it out.
    commands = parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        prog=parser.prog,
        parser_class=_Branch,  # type: ignore[type-var]
    )
    for name, (module, summary) in branches.items():
        commands.add_parser(name, help=summary, configure=_importer(module))


def _add_global_options(parser: argparse.ArgumentParser) -> None:
    # Suppressed defaults: an option given before the subcommand survives the parsing after it.
    group = parser.add_argument_group("options of every command")
    add = group.add_argument
    quiet = argparse.SUPPRESS
    add("-h", "--help", action=_HelpAction, nargs=0, default=quiet, help="show this help")
    add("--version", action=_VersionAction, nargs=0, default=quiet, help="show the version")
    add("--profile", metavar="NAME", default=quiet, help="which profile of config.yaml to use")
    add("--verbose", action="store_true", default=quiet, help="show log lines, and each request")
    add("--quiet", action="store_true", default=quiet, help="show only the answer and errors")
    add("--debug", action="store_true", default=quiet, help="show tracebacks, and all of a request")
    add("--color", choices=("auto", "always", "never"), default=quiet, help="colours (auto)")
    add("--utc", action="store_true", default=quiet, help="show times in UTC")
    add("--no-input", action="store_true", default=quiet, help="never ask, not even on a terminal")
