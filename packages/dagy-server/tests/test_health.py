from __future__ import annotations

from typing import Any

from sqlalchemy import select

from dagy_server.database.schema import readiness
from dagy_server.release import version
from dagy_server.services import Services


def test_orch_24_health_is_as_published(client: Any) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "version": version(),
        "components": [{"name": "database", "status": "healthy", "message": None}],
        "timestamp": "2026-11-01T12:00:00.000000Z",
    }


def test_orch_24_ready_checks_the_database_by_a_write(
    client: Any, services: Services, clock: Any
) -> None:
    for _ in range(2):
        clock.advance(1)
        assert client.get("/ready").status_code == 200
        with services.database.reading() as connection:
            assert connection.scalars(select(readiness.c.at)).all() == [clock()]


def test_orch_24_a_server_that_cannot_write_lives_and_is_not_ready(client: Any, busy: Any) -> None:
    assert client.get("/ready").status_code == 200
    with busy():
        assert client.get("/health").json()["status"] == "healthy"
        answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert answer.json()["components"][0]["message"] == "The server's database is busy."
    assert client.get("/ready").status_code == 200


def test_orch_24_a_server_whose_database_is_gone_says_so(client: Any, services: Services) -> None:
    services.database.engine.dispose()
    directory = services.settings.data_directory
    gone = directory.rename(directory.with_name("gone"))
    answer = client.get("/health")
    gone.rename(directory)
    if services.database.is_sqlite:  # else it is not in that directory
        assert answer.status_code == 200
        assert answer.json()["status"] == "unhealthy"
        assert str(directory.parent) not in answer.text
    assert client.get("/health").json()["status"] == "healthy"
