"""The arguments of ``dagy server start``, and what it does; dagy-cli finds this module by its
entry point in ``dagy.commands``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from dagy_server.settings import DEFAULT_HOST, DEFAULT_PORT, resolve

DESCRIPTION = "Run a control plane on this machine, until it is stopped."

EXAMPLES = (
    "dagy server start",
    "dagy server start --port 9000 --data-dir /srv/dagy",
    "dagy server start --database-url postgresql://dagy@db/dagy --artifacts-url s3://BUCKET/dagy",
)

_OPTIONS = (
    "host",
    "port",
    "data_directory",
    "database_url",
    "artifacts_url",
    "public_url",
    "allow_public",
    "allowed_hosts",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``dagy server start``."""
    add = parser.add_argument
    add("--host", metavar="ADDRESS", help=f"where to listen ({DEFAULT_HOST})")
    add("--port", type=int, metavar="N", help=f"where to listen; 0: a free one ({DEFAULT_PORT})")
    add(
        "--data-dir",
        dest="data_directory",
        type=Path,
        metavar="DIR",
        help="for all that the server keeps (~/.dagy/server)",
    )
    add("--database-url", metavar="URL", help="sqlite:////path or postgresql://USER@HOST/NAME")
    add("--artifacts-url", metavar="URL", help="file:///path or s3://BUCKET/PREFIX")
    add("--public-url", metavar="URL", help="how people and programs reach the server")
    add(
        "--allow-public",
        action="store_true",
        default=None,
        help="listen where other machines can reach it; a proxy before it should speak TLS",
    )
    add(
        "--allowed-host",
        dest="allowed_hosts",
        action="append",
        metavar="NAME",
        help="another name that the server is called by",
    )


def start(
    args: argparse.Namespace, *, environ: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Serve until the process is told to stop.

    Args:
        say: Tells people a line.

    Raises:
        ConfigError: When a setting cannot be used.
        ConflictError: When the address or the directory is in use.
        StoreError: When the directory or the database cannot be used.
    """
    from dagy_server.serve import serve  # `--help` can do without the whole server

    options = {name: getattr(args, name) for name in _OPTIONS}
    if options["allowed_hosts"] is not None:
        options["allowed_hosts"] = tuple(options["allowed_hosts"])
    serve(resolve(options, environ), say=say)
