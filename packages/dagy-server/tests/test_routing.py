from __future__ import annotations

import inspect
from typing import Annotated, get_origin

import pytest
from fastapi import Header

from dagy_server.permissions import Permission
from dagy_server.routing import PUBLIC, Declaration, Router, declaration_of, endpoint, route
from dagy_server.transactions import Call, Change, Document, View


@pytest.fixture
def router() -> Router:
    return Router("test")


def test_fastapi_sees_the_request_and_what_the_handler_takes_besides_its_context(
    router: Router,
) -> None:
    @route(router, "GET", "/x/{name}", needs=Permission.RUNS_READ, operation="x")
    def handler(view: View, name: str, limit: int = 3) -> Document:
        """Say what it does."""
        return {}

    function = endpoint(router.declarations[0])
    parameters = inspect.signature(function).parameters
    assert list(parameters) == ["name", "limit", "request"]
    assert parameters["name"].annotation is str
    assert parameters["limit"].default == 3
    assert (function.__name__, function.__doc__) == ("handler", "Say what it does.")
    assert declaration_of(function) is router.declarations[0]


def test_a_header_that_may_be_left_out_stays_a_header_on_every_python(router: Router) -> None:
    @route(router, "GET", "/x", needs=PUBLIC, operation="x")
    def handler(view: View, part: Annotated[str | None, Header(alias="Range")] = None) -> Document:
        return {}

    parameter = inspect.signature(endpoint(router.declarations[0])).parameters["part"]
    assert get_origin(parameter.annotation) is Annotated
    assert parameter.default is None


def test_a_function_that_was_not_declared_declares_nothing() -> None:
    assert declaration_of(test_a_function_that_was_not_declared_declares_nothing) is None
    assert declaration_of(None) is None


def test_orch_20_a_route_that_changes_something_must_name_its_audit_action(router: Router) -> None:
    def handler(change: Change) -> Document:
        return {}

    with pytest.raises(TypeError, match="POST /x changes something and names no audit action"):
        route(router, "POST", "/x", needs=PUBLIC, operation="x")(handler)
    with pytest.raises(TypeError, match="GET /x makes a change and names no audit action"):
        route(router, "GET", "/x", needs=PUBLIC, operation="x")(handler)


def test_a_route_that_reads_names_none(router: Router) -> None:
    def handler(view: View) -> Document:
        return {}

    with pytest.raises(TypeError, match="names an audit action and changes nothing"):
        route(router, "POST", "/x", needs=PUBLIC, operation="x", audit="x")(handler)


def test_a_coroutine_opens_its_own_transactions(router: Router) -> None:
    async def handler(view: View) -> Document:
        return {}

    with pytest.raises(TypeError, match="is a coroutine"):
        route(router, "GET", "/x", needs=PUBLIC, operation="x")(handler)


def test_a_handler_says_what_it_works_with(router: Router) -> None:
    def nothing() -> Document:
        return {}

    def number(number: int) -> Document:
        return {}

    for handler in (nothing, number):
        with pytest.raises(TypeError, match="no View, Change or Call"):
            route(router, "GET", "/x", needs=PUBLIC, operation="x")(handler)
    assert router.declarations == []


def test_what_only_reads_is_known_by_its_method(router: Router) -> None:
    def handler(call: Call) -> Document:
        return {}

    for method, audit in (("GET", None), ("DELETE", "x.deleted")):
        route(router, method, "/x", needs=PUBLIC, operation="x", audit=audit)(handler)
    assert [each.reads_only for each in router.declarations] == [True, False]
    assert all(isinstance(each, Declaration) for each in router.declarations)
