"""The application: routes behind the gate, errors in one form, and a check of both at the start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from dagy_server import (
    api_docs,
    api_keys,
    artifacts,
    audit_log,
    auth_routes,
    deployments,
    flows,
    health,
    logs,
    me,
    members,
    progress,
    pushed_runs,
    runs,
    task_runs,
)
from dagy_server.api_description import described
from dagy_server.clock import Clock, system_clock
from dagy_server.error_answers import answer_error
from dagy_server.gate import GatedRoute
from dagy_server.middleware import Envelope
from dagy_server.oauth import routes as oauth_routes
from dagy_server.pages import routes as page_routes
from dagy_server.public_routes import PUBLIC_ROUTES
from dagy_server.release import version
from dagy_server.routing import PUBLIC, Router, declaration_of, endpoint
from dagy_server.services import open_services
from dagy_server.settings import Settings
from dagy_types.errors import DagyError

ROUTERS: tuple[Router, ...] = (
    auth_routes.router,
    me.router,
    flows.router,
    deployments.router,
    runs.router,
    progress.router,
    pushed_runs.router,
    task_runs.router,
    logs.router,
    artifacts.router,
    api_keys.router,
    members.router,
    audit_log.router,
    health.router,
    api_docs.router,
    oauth_routes.router,
    page_routes.router,
)
"""All routes of the server."""


def create_app(settings: Settings, *, clock: Clock = system_clock) -> FastAPI:
    """Open a server's directory and database, and return the application that works with them.

    Its shutdown closes them again; `app.state.services` has them.

    Raises:
        ConfigError: When a setting cannot be used.
        ConflictError: When another server uses the directory.
        StoreError: When the directory or the database cannot be used.
    """
    app = build_app()
    app.state.services = open_services(settings, clock=clock)
    return app


def build_app(routers: tuple[Router, ...] = ROUTERS) -> FastAPI:
    """Return the application without its services.

    Raises:
        TypeError: When a route does not declare what it needs, or is public and not listed.
    """
    app = FastAPI(
        title="Dagy",
        version=version(),
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={
            DagyError: _answer_error,
            RequestValidationError: _answer_error,
            HTTPException: _answer_error,
        },
    )
    app.router.route_class = GatedRoute
    for router in routers:
        _add(app, router)
    check_routes(app.routes)
    app.add_middleware(Envelope)
    return app


def check_routes(routes: list[BaseRoute]) -> None:
    """Refuse routes that anybody could use without that being said.

    Raises:
        TypeError: When a route does not declare what it needs, or is public and not listed.
    """
    public = set()
    for each in routes:
        declaration = declaration_of(getattr(each, "endpoint", None))
        if declaration is None or not isinstance(each, GatedRoute):
            raise TypeError(f"{getattr(each, 'path', each)!r} declares no permission")
        if declaration.needs is PUBLIC:
            public.add((declaration.method, declaration.path))
    if public != PUBLIC_ROUTES:
        odd = sorted(public ^ PUBLIC_ROUTES)
        raise TypeError(f"public, or listed in public_routes, and not both: {odd}")


def _add(app: FastAPI, router: Router) -> None:
    for each in router.declarations:
        app.router.add_api_route(
            each.path,
            endpoint(each),
            methods=[each.method],
            operation_id=each.operation,
            status_code=each.status,
            response_model=each.response,
            response_class=Response if each.response is None else JSONResponse,
            tags=[router.name],
            include_in_schema=each.is_listed,
            **described(each),
        )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    try:
        yield
    finally:
        app.state.services.close()


async def _answer_error(request: Request, error: Exception) -> Response:
    answer = answer_error(error, path=request.url.path, request_id=request.state.request_id)
    if answer.status_code == 405:
        answer.headers["Allow"] = ", ".join(_methods_at(request.app.routes, request.url.path))
    return answer


def _methods_at(routes: list[BaseRoute], path: str) -> list[str]:
    # Each method of a path is a route of its own, and the router names only that of the first.
    gated = [each for each in routes if isinstance(each, GatedRoute)]
    first = next(each for each in gated if each.path_regex.match(path))
    same = (each.methods or () for each in gated if each.path == first.path)
    return sorted(set().union(*same))
