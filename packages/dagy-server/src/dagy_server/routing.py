"""How a route declares what it is: its permission, its row in the audit log, its documents.

::

    router = Router("runs")

    @route(router, "GET", "/runs/{run_id}", needs=Permission.RUNS_READ, operation="get_run",
           response=RunDocument)
    def get_run(view: View, run_id: RunId) -> Document: ...

    @route(router, "POST", "/runs", needs=Permission.RUNS_TRIGGER, audit="run.triggered",
           operation="trigger_run", response=RunDocument, status=201)
    def trigger_run(change: Change, body: NewRun) -> Document:
        ...
        change.audit(run_id)

The first parameter says what a handler works with: a `View`, a `Change`, or the `Call` itself, for
handlers that stream or answer in another way. The others are FastAPI's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from dagy_server.bodies import JSON
from dagy_server.permissions import Permission
from dagy_server.rate_limits import Rate
from dagy_server.transactions import Call, Change, View, to_response

_READING_METHODS = frozenset({"GET", "HEAD"})

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


class Access(Enum):
    """Who may use a route that asks for no permission."""

    PUBLIC = "public"  # anybody; the route is in `public_routes`
    SIGNED_IN = "signed in"  # whoever has a token or key that is good, whatever it allows


PUBLIC = Access.PUBLIC
SIGNED_IN = Access.SIGNED_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One route.

    Attributes:
        needs: The permission that a caller must have, or who may use it without one.
        audit: What it does, in the audit log; ``None`` for a route that changes nothing.
        operation: Its name in ``/openapi.json``, and in dagy-client.
        response: The model of its answer; ``None`` when that has no body or is no JSON.
        responses: What else it may answer, for ``/openapi.json``.
        accepts: The content type of its body.
        streams: Whether the handler itself reads the body, and sees to its size.
        has_secret: Whether its answer must not be kept for an idempotency key.
        is_listed: Whether it is in ``/openapi.json``: pages for people are not.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    needs: Permission | Access
    audit: str | None
    operation: str
    response: Any
    status: int
    rate: Rate
    responses: dict[int | str, dict[str, Any]]
    accepts: str
    streams: bool
    has_secret: bool
    is_listed: bool
    openapi: dict[str, Any] | None

    @property
    def reads_only(self) -> bool:
        """Whether it changes nothing by its method."""
        return self.method in _READING_METHODS


@dataclass(frozen=True, slots=True)
class Router:
    """Routes of one kind, in the order in which they are tried; the name heads them in the docs."""

    name: str
    declarations: list[Declaration] = field(default_factory=list)


def route(
    router: Router,
    method: str,
    path: str,
    *,
    needs: Permission | Access,
    operation: str,
    audit: str | None = None,
    response: Any = None,
    status: int = 200,
    rate: Rate = Rate.GENERAL,
    responses: dict[int | str, dict[str, Any]] | None = None,
    accepts: str = JSON,
    streams: bool = False,
    has_secret: bool = False,
    is_listed: bool = True,
    openapi: dict[str, Any] | None = None,
) -> Callable[[_Handler], _Handler]:
    """Declare a handler as a route, see `Declaration`.

    Raises:
        TypeError: When a route that changes something names no audit action, or the like.
    """

    def declare(handler: _Handler) -> _Handler:
        declaration = Declaration(
            method=method,
            path=path,
            handler=handler,
            needs=needs,
            audit=audit,
            operation=operation,
            response=response,
            status=status,
            rate=rate,
            responses=responses or {},
            accepts=accepts,
            streams=streams,
            has_secret=has_secret,
            is_listed=is_listed,
            openapi=openapi,
        )
        _check(declaration)
        router.declarations.append(declaration)
        return handler

    return declare


def _check(declaration: Declaration) -> None:
    name = f"{declaration.method} {declaration.path}"
    if declaration.audit is None and not declaration.reads_only:
        raise TypeError(f"{name} changes something and names no audit action")
    context = _context(declaration.handler)
    if context is Change and declaration.audit is None:
        raise TypeError(f"{name} makes a change and names no audit action")
    if context is View and declaration.audit is not None:
        raise TypeError(f"{name} names an audit action and changes nothing")
    if inspect.iscoroutinefunction(declaration.handler) and context is not Call:
        raise TypeError(f"{name} is a coroutine and does not work with a Call")


def _context(handler: Callable[..., Any]) -> Any:
    first = next(iter(inspect.signature(handler).parameters), None)
    kind = inspect.get_annotations(handler, eval_str=True).get(first or "")
    if kind not in (View, Change, Call):
        raise TypeError(f"the first parameter of {handler.__name__} is no View, Change or Call")
    return kind


def endpoint(declaration: Declaration) -> Callable[..., Any]:
    """Return the function that FastAPI calls: it opens what the handler works with, and closes it.

    FastAPI sees the handler's parameters without the first, and the request.
    """
    call_handler = _opening(declaration)
    call_handler.__name__ = declaration.handler.__name__
    call_handler.__doc__ = declaration.handler.__doc__
    call_handler.__dict__.update(
        __signature__=_visible_signature(declaration.handler),  # which FastAPI reads
        declaration=declaration,  # see `declaration_of`
    )
    return call_handler


def _opening(declaration: Declaration) -> Callable[..., Any]:
    handler, status = declaration.handler, declaration.status
    context = _context(handler)

    async def answer_later(request: Request, **arguments: Any) -> Response:
        return to_response(await handler(_call(request), **arguments), status)

    def answer_call(request: Request, **arguments: Any) -> Response:
        return to_response(handler(_call(request), **arguments), status)

    def answer_view(request: Request, **arguments: Any) -> Response:
        with _call(request).view() as view:
            return to_response(handler(view, **arguments), status)

    def answer_change(request: Request, **arguments: Any) -> Response:
        return _call(request).change(lambda change: handler(change, **arguments))

    if inspect.iscoroutinefunction(handler):
        return answer_later
    return {Call: answer_call, View: answer_view, Change: answer_change}[context]


def declaration_of(function: object) -> Declaration | None:
    """Return what the function of a route declares, if it was made here."""
    found = getattr(function, "declaration", None)
    return found if isinstance(found, Declaration) else None


def _visible_signature(handler: Callable[..., Any]) -> inspect.Signature:
    # Not typing.get_type_hints: Python 3.10 hides a Header() or Query() whose default is None.
    hints = inspect.get_annotations(handler, eval_str=True)
    signature = inspect.signature(handler)
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [
        each.replace(annotation=hints[each.name], kind=keyword)
        for each in list(signature.parameters.values())[1:]
    ]
    request = inspect.Parameter("request", keyword, annotation=Request)
    return inspect.Signature([*own, request])


def _call(request: Request) -> Call:
    call = request.state.call
    assert isinstance(call, Call)
    return call
