"""Which version of the tables a database has, and how it gets the one that this code knows."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from dagy_server.database.engine import Database
from dagy_server.database.schema import metadata
from dagy_types.errors import StoreError, StoreVersionError

VERSIONS = ("0001",)
"""The names of all migrations, in order."""

HEAD = VERSIONS[-1]
"""The version of the tables in `schema`."""

_TABLE = "alembic_version"
_FIND = text("SELECT version_num FROM alembic_version")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(4741125)")  # any number, the same for all


def prepare_database(database: Database) -> None:
    """Make the tables, or bring them up to date.

    Raises:
        StoreVersionError: When a newer server has made them.
        StoreError: When the database cannot be used, or belongs to something else.
    """
    with database.reading() as connection:
        if _is_current(connection):
            return
    with database.writing() as connection:
        if not database.is_sqlite:  # there the transaction has the lock already
            connection.execute(_ONE_AT_A_TIME)
        if not _is_current(connection):
            _upgrade(connection)


def _is_current(connection: Connection) -> bool:
    found = _version(connection)
    if found is not None and found not in VERSIONS:
        raise StoreVersionError(
            "The database was made by a newer version of dagy-server.",
            hint="Run: pip install --upgrade dagy-server",
        )
    return found == HEAD


def _version(connection: Connection) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if _TABLE in tables:
        found = connection.scalar(_FIND)
        return None if found is None else str(found)
    if tables & set(metadata.tables):
        raise StoreError(
            "The database has tables of another program.",
            hint="Give --database-url an empty database.",
        )
    return None


def _upgrade(connection: Connection) -> None:
    # Alembic is imported when there is something for it to do: a start is quicker without.
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
