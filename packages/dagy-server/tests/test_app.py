from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dagy_server import Settings, create_app
from dagy_server.app import ROUTERS, build_app
from dagy_types.errors import ConflictError


def test_the_shutdown_of_the_app_closes_what_it_has_opened(
    settings: Settings, test_client: Callable[..., Any]
) -> None:
    app = create_app(settings)
    with pytest.raises(ConflictError):
        create_app(settings)
    with test_client(app) as client:
        assert client.get("/health").status_code == 200
    assert app.state.services.stopping.is_set()
    create_app(settings).state.services.close()


def test_no_two_routes_have_the_same_path_or_operation() -> None:
    declarations = [each for router in ROUTERS for each in router.declarations]
    paths = [(each.method, each.path) for each in declarations]
    operations = [each.operation for each in declarations]
    assert len(set(paths)) == len(paths)
    assert len(set(operations)) == len(operations)


def test_no_route_hides_another() -> None:
    for app_route in build_app().routes:
        path = app_route.path  # type: ignore[attr-defined]  # all are FastAPI's
        assert path == "/" or not path.endswith("/")
