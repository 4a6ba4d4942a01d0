from __future__ import annotations

import re

from dagy_server.database.schema import metadata

_OF_THE_SERVER = {
    "organisations",
    "users",
    "first_owner_codes",
    "browser_sessions",
    "readiness",
    "idempotency_keys",  # by principal
    "task_runs",  # by run
    "log_lines",  # by run
    "work",  # by run
}


def test_everything_else_belongs_to_an_organisation() -> None:
    for name, table in metadata.tables.items():
        if name not in _OF_THE_SERVER and not name.startswith("external"):
            assert "organisation_id" in table.c, name


def test_no_secret_is_kept_as_it_is() -> None:
    names = [
        f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.c
    ]
    secret = re.compile(r"(password|secret|token|key|code)$")
    kept = [name for name in names if secret.search(name)]
    assert kept == ["device_codes.user_code", "idempotency_keys.key"]


def test_times_are_whole_microseconds() -> None:
    for table in metadata.tables.values():
        for column in table.c:
            if column.name.endswith("_at") or column.name == "at":
                assert column.type.python_type is int, f"{table.name}.{column.name}"
