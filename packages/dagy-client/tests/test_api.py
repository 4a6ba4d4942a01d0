"""HTTP-06, HTTP-08: one source for all methods, of both clients, in all ways."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from dagy_client import OPERATIONS, AsyncDagyClient, DagyClient
from dagy_client._api import Api
from dagy_client._methods import Resource, many_values, one_value
from dagy_client.testing import FakeServer

RESOURCES = ["runs", "task_runs", "flows", "deployments", "artifacts", "api_keys", "users"]
Methods = dict[str, Any]


def methods_of(api: Any) -> Methods:
    found = dict(_methods(api, Api, ""))
    for name in RESOURCES:
        resource = getattr(api, name)
        found |= dict(_methods(resource, type(resource), f"{name}."))
    return found


def _methods(thing: Any, kind: type, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in vars(kind).items():
        if isinstance(value, one_value | many_values):
            yield f"{prefix}{name}", getattr(thing, name)


@pytest.fixture
def clients() -> Iterator[list[Methods]]:
    server = FakeServer()
    with server.client() as blocking:
        awaited = server.async_client()
        yield [
            methods_of(each)
            for each in (
                blocking,
                awaited,
                blocking.with_raw_response,
                awaited.with_raw_response,
            )
        ]


def test_both_clients_have_the_same_methods_in_both_ways(clients: list[Methods]) -> None:
    assert all(set(each) == set(clients[0]) for each in clients)


def test_each_method_is_one_operation_and_each_operation_one_method(
    clients: list[Methods],
) -> None:
    """HTTP-20."""
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert set(names) == set(clients[0]) - {"request"}


def test_signatures_and_docstrings_are_the_same_everywhere(clients: list[Methods]) -> None:
    for name in clients[0]:
        assert len({str(inspect.signature(each[name])) for each in clients}) == 1
        assert len({inspect.getdoc(each[name]) for each in clients}) == 1
        assert len({each[name].__name__ for each in clients}) == 1


def test_every_method_is_documented(clients: list[Methods]) -> None:
    for name, method in clients[0].items():
        assert inspect.getdoc(method), name
        assert "self" not in inspect.signature(method).parameters


def test_the_attributes_are_the_resources() -> None:
    with FakeServer().client() as client:
        found = [name for name, value in vars(client).items() if isinstance(value, Resource)]
    assert found == [*RESOURCES, "with_raw_response"]


def test_the_clients_differ_only_in_how_they_are_closed() -> None:
    own = {
        kind: {name for name in vars(kind) if not name.startswith("_")}
        for kind in (DagyClient, AsyncDagyClient)
    }
    assert own == {DagyClient: {"close"}, AsyncDagyClient: {"aclose"}}
    parameters = [
        list(inspect.signature(kind).parameters) for kind in (DagyClient, AsyncDagyClient)
    ]
    assert parameters[0] == parameters[1]
