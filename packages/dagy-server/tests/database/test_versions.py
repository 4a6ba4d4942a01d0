from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from dagy_server.database import migrations
from dagy_server.database.engine import Database
from dagy_server.database.schema import metadata
from dagy_server.database.versions import HEAD, VERSIONS, prepare_database
from dagy_types.errors import StoreError, StoreVersionError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dagy.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


def test_the_migrations_make_exactly_the_tables_of_the_schema(database: Database) -> None:
    prepare_database(database)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD


def test_a_database_that_is_up_to_date_is_left_alone(database: Database, path: Path) -> None:
    prepare_database(database)
    with database.reading() as connection:
        before = connection.scalar(text("PRAGMA data_version"))
        prepare_database(database)
        assert connection.scalar(text("PRAGMA data_version")) == before


def test_every_migration_is_named_in_order() -> None:
    files = Path(migrations.__path__[0], "versions").glob("v*.py")
    assert tuple(sorted(each.stem[1:5] for each in files)) == VERSIONS


def test_orch_24_a_database_of_a_newer_server_is_refused_and_left_alone(
    database: Database, path: Path
) -> None:
    prepare_database(database)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreVersionError, match="newer version") as refused:
        prepare_database(database)
    assert refused.value.hint == "Run: pip install --upgrade dagy-server"


def test_a_database_of_another_program_is_refused_and_left_alone(
    database: Database, path: Path
) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE users (name TEXT)")
    other.close()
    with pytest.raises(StoreError, match="tables of another program"):
        prepare_database(database)
    with database.reading() as connection:
        names = connection.scalars(text("SELECT name FROM sqlite_schema")).all()
    assert names == ["users"]


def test_a_migration_that_fails_leaves_nothing_behind(database: Database, path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE ix_users_email (name TEXT)")
    other.execute("CREATE VIEW runs AS SELECT 1")  # in the way of a table
    other.close()
    with pytest.raises(StoreError):
        prepare_database(database)
    with database.reading() as connection:
        names = connection.scalars(text("SELECT name FROM sqlite_schema ORDER BY 1")).all()
    assert names == ["ix_users_email", "runs"]


def test_a_start_on_a_database_that_is_up_to_date_does_without_alembic(
    path: Path, new_database: Callable[[Path], None]
) -> None:
    new_database(path)
    program = (
        "import sys; from dagy_server.database.engine import Database; "
        "from dagy_server.database.versions import prepare_database; "
        "database = Database(sys.argv[1]); prepare_database(database); database.close(); "
        "print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
