"""What every request passes before its handler: who asks, whether he may, how often, with what.

The body is read after that, and before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dagy_server.authentication import authenticate
from dagy_server.bodies import JSON, parse_json, printable, read_body, require_media_type
from dagy_server.callers import Caller
from dagy_server.errors import FieldFault, InvalidFieldsError, TooManyRequestsError
from dagy_server.permissions import Permission
from dagy_server.rate_limits import Rate, Taken, address_name
from dagy_server.routing import PUBLIC, Declaration, declaration_of
from dagy_server.services import Services
from dagy_server.transactions import Call
from dagy_types.errors import AuthError, NotFoundError


class GatedRoute(APIRoute):
    """A route of FastAPI whose requests pass the gate first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()
        declaration = declaration_of(self.endpoint)
        if declaration is None:
            return handle  # `app` refuses to start with such a route

        parameters = {each.alias for each in self.dependant.query_params}

        async def pass_gate(request: Request) -> Response:
            checked = _CheckedRequest(request.scope, request.receive)
            checked.state.call = await _enter(checked, declaration)
            if declaration.needs is not PUBLIC:
                _require_known(checked, parameters)
            return await handle(checked)

        return pass_gate


class _CheckedRequest(Request):
    """A request whose body is read and checked once."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await read_body(self)
        return self._body

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            body = await self.body()
            if len(body) > _QUICK_BYTES:  # so that nobody else waits for it
                self._json = await run_in_threadpool(parse_json, body)
            else:
                self._json = parse_json(body)
        return self._json


_QUICK_BYTES = 64 * 1024


async def _enter(request: _CheckedRequest, declaration: Declaration) -> Call:
    services: Services = request.app.state.services
    if "\x00" in request.url.path:
        raise NotFoundError("There is nothing of this name.", hint="Send no NUL character.")
    if "%00" in request.url.query:
        raise InvalidFieldsError([FieldFault("query", "there is a NUL character")])
    address = address_name(request.client.host if request.client else None)
    caller = await run_in_threadpool(_admit, services, request, declaration, address)
    body = b"" if declaration.streams or declaration.reads_only else await request.body()
    if body and declaration.audit is not None:
        require_media_type(request.headers.get("content-type"), declaration.accepts)
        if declaration.accepts == JSON:
            await request.json()
    return Call(
        request=request,
        services=services,
        request_id=request.state.request_id,
        address=address,
        caller_or_none=caller,
        action=declaration.audit or declaration.operation,
        status=declaration.status,
        has_secret=declaration.has_secret,
        body=body,
    )


def _require_known(request: Request, parameters: set[str]) -> None:
    # A filter with a typing error would otherwise list everything.
    unknown = sorted(set(request.query_params) - parameters)
    if unknown:
        raise InvalidFieldsError(
            [
                FieldFault(printable(f"query.{name}"), "there is no such parameter")
                for name in unknown
            ]
        )


def _admit(
    services: Services, request: Request, declaration: Declaration, address: str
) -> Caller | None:
    if declaration.needs is PUBLIC:
        _count(services, request, address, declaration.rate)
        return None
    try:
        caller = authenticate(services, request.headers.get("authorization"))
    except AuthError:
        # Who has no good token is known by the address alone; who has one is not held up by it.
        _count(services, request, address, declaration.rate)
        raise
    if not caller.is_worker:  # how often it speaks, the server's own code has seen to
        _count(services, request, caller.actor, declaration.rate)
    caller.require_own(request.path_params)
    if isinstance(declaration.needs, Permission):
        caller.require(declaration.needs)
    return caller


def _count(services: Services, request: Request, sender: str, rate: Rate) -> None:
    if rate is Rate.NONE:
        return
    taken: Taken = services.rate_limits.take(sender, rate)
    request.state.rate = taken
    if taken.retry_after_seconds:
        raise TooManyRequestsError(taken.retry_after_seconds)
