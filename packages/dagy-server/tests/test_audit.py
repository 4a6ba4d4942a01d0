from __future__ import annotations

from sqlalchemy import select

from dagy_server import audit
from dagy_server.database.schema import audit_log
from dagy_server.services import Services


def test_a_row_may_be_of_no_organisation_and_its_target_is_cut(services: Services) -> None:
    with services.database.writing() as connection:
        audit.record(
            connection,
            at=7,
            organisation_id=None,
            actor=audit.SERVER,
            action="server.started",
            target="x" * 300,
            request_id="req_1",
        )
    with services.database.reading() as connection:
        row = connection.execute(select(audit_log)).one()
    assert (row.actor, row.target, row.details) == ("server", "x" * 255, {})
