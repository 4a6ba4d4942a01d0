"""`dagy schema`: the JSON Schema of what a command prints."""

from __future__ import annotations

import json
from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.parser import CommandParser, add_format_option
from dagy_cli.render.view import Cell, Column, Table, Verbatim, View
from dagy_types.errors import UsageError


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy schema`."""
    parser.description = (
        "Print the JSON Schema of what a command prints with --format json; alone, list them.\n"
        "With --format jsonl, each line is an element of the array, where there is one."
    )
    parser.add_argument(
        "name", nargs="?", metavar="DOCUMENT", help="the words of the command: runs.list; or error"
    )
    add_format_option(parser, has_names=True)
    parser.add_examples("dagy schema", "dagy schema runs.list", "dagy schema error")
    parser.set_defaults(handler=show_schema)


def show_schema(args: Namespace, app: App) -> Answer:  # noqa: ARG001 - every handler gets it
    """Return a schema, or the names of all.

    Raises:
        UsageError: When there is none of that name.
    """
    from dagy_cli.schemas import DOCUMENTS, schema_of

    if args.name is None:
        versions = {name: version for name, (version, _) in DOCUMENTS.items()}
        rows = [(Cell(name), Cell(str(version))) for name, version in versions.items()]
        return Answer(
            View(
                documents=[{"name": name, "version": each} for name, each in versions.items()],
                is_list=True,
                blocks=[Table((Column("NAME"), Column("VERSION")), rows)],
                name_field="name",
            )
        )
    name = args.name.removeprefix("dagy.").replace(" ", ".")
    if name not in DOCUMENTS:
        raise UsageError(f"There is no document {args.name!r}.", hint="Run: dagy schema")
    return Answer(Verbatim(json.dumps(schema_of(name), indent=2) + "\n"))
