"""Methods that are written once and are there in all four ways.

A method of a resource returns a call. Who uses the resource gets what its sender makes of that: the
value, something to await, an iterator, or the whole answer. Type checkers see the same.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from dagy_client._answers import Page, RawResponse
from dagy_client._calls import Call, ListCall
from dagy_client._senders import Awaiting, Blocking, RawAwaiting, RawBlocking

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

# Any, here and below: the resource itself, of which nothing is needed.
Made = Callable[Concatenate[Any, P], T]


class Resource(Generic[S]):
    """Some operations that belong together, and the sender that performs them."""

    def __init__(self, sender: S) -> None:
        self._sender = sender


class one_value(Generic[P, T]):  # noqa: N801 - a decorator
    """Makes a method that returns a call into one that performs it."""

    def __init__(self, make: Made[P, Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> one_value[P, T]: ...
    @overload
    def __get__(self, instance: Resource[Blocking], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, instance: Resource[Awaiting], owner: type
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(
        self, instance: Resource[RawBlocking], owner: type
    ) -> Callable[P, RawResponse[T]]: ...
    @overload
    def __get__(
        self, instance: Resource[RawAwaiting], owner: type
    ) -> Callable[P, Coroutine[Any, Any, RawResponse[T]]]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        return self if instance is None else _bound(self._make, instance, instance._sender.one)


class many_values(Generic[P, T]):  # noqa: N801 - a decorator
    """Makes a method that returns the call of a list into one that iterates over it."""

    def __init__(self, make: Made[P, ListCall[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> many_values[P, T]: ...
    @overload
    def __get__(
        self, instance: Resource[Blocking], owner: type
    ) -> Callable[P, Generator[T, None, None]]: ...
    @overload
    def __get__(
        self, instance: Resource[Awaiting], owner: type
    ) -> Callable[P, AsyncGenerator[T, None]]: ...
    @overload
    def __get__(
        self, instance: Resource[RawBlocking], owner: type
    ) -> Callable[P, RawResponse[Page[T]]]: ...
    @overload
    def __get__(
        self, instance: Resource[RawAwaiting], owner: type
    ) -> Callable[P, Coroutine[Any, Any, RawResponse[Page[T]]]]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        return self if instance is None else _bound(self._make, instance, instance._sender.many)


def _bound(
    make: Callable[..., Any], instance: Resource[Any], perform: Callable[[Any], Any]
) -> Callable[..., Any]:
    method = make.__get__(instance)

    def performed(*args: Any, **kwargs: Any) -> Any:
        return perform(method(*args, **kwargs))

    return update_wrapper(performed, method)  # so that help() shows its signature
