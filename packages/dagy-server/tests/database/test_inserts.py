from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from dagy_server.database.inserts import insert_if_absent
from dagy_server.database.schema import artifacts
from dagy_server.services import Services


def _values(number: int, sha256: str, organisation_id: str) -> dict[str, Any]:
    return {
        "id": f"art_{number}",
        "organisation_id": organisation_id,
        "sha256": sha256,
        "size_bytes": number,
        "created_at": 0,
        "created_by": "usr_a",
    }


def test_a_row_is_made_once(services: Services, organisation: str) -> None:
    with services.database.writing() as connection:
        assert insert_if_absent(connection, artifacts, _values(1, "a", organisation))
        assert not insert_if_absent(connection, artifacts, _values(2, "a", organisation))
        assert insert_if_absent(connection, artifacts, _values(3, "b", organisation))
        sizes = connection.execute(select(artifacts.c.size_bytes)).scalars()
        assert sorted(sizes) == [1, 3]


def test_another_mistake_is_still_one(services: Services) -> None:
    with (
        pytest.raises(IntegrityError),
        services.database.engine.begin() as connection,
    ):
        insert_if_absent(connection, artifacts, _values(1, "a", "org_missing"))
