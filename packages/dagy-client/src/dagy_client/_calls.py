"""Calls: what one method of a resource asks for, as data that either client can perform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Generic, Protocol, TypeVar, cast

from dagy_client._answers import (
    Page,
    RawResponse,
    document_in,
    is_json,
    page_in,
    raw_response,
    record_in,
)
from dagy_client._exchange import ApiRequest, Exchange
from dagy_client._operation import Operation
from dagy_client._steps import Emit, Plan, WireResponse
from dagy_client.errors import ApiAnswerError
from dagy_types.errors import UsageError

T = TypeVar("T")

MAX_PAGE_ITEMS = 1_000


class Call(Protocol[T]):
    """Something to be done once, for one value."""

    def plan(self, exchange: Exchange) -> Plan[RawResponse[T]]:
        """Return how it is done."""
        ...


class ListCall(Protocol[T]):
    """Something to be iterated over."""

    def plan(self, exchange: Exchange) -> Plan[RawResponse[Page[T]]]:
        """Return how the first part is got."""
        ...

    def iteration(self, exchange: Exchange) -> Plan[None]:
        """Return how all of it is got, item by item."""
        ...


@dataclass(frozen=True, slots=True)
class OperationCall(Generic[T]):
    """A call of an operation, for the record that it is answered with."""

    operation: Operation[T]
    request: ApiRequest

    def plan(self, exchange: Exchange) -> Plan[RawResponse[T]]:
        """Return how it is done."""
        answer = yield from exchange.send(self.request)
        if self.operation.answer is NoneType:
            return raw_response(answer, cast("T", None))
        return raw_response(answer, record_in(answer, self.operation.answer))


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list, page by page, each when it is needed.

    Attributes:
        limit: The most items to be had; all when it is ``None``.
    """

    operation: Operation[T]
    values: Mapping[str, str]
    query: Mapping[str, Any]  # Any: whatever str() turns into the right text
    limit: int | None = None

    def plan(self, exchange: Exchange) -> Plan[RawResponse[Page[T]]]:
        """Return how the first page is got."""
        return self._page(exchange, None, self.limit)

    def iteration(self, exchange: Exchange) -> Plan[None]:
        """Return how all of it is got, item by item."""
        seen: set[str] = set()
        cursor: str | None = None
        left = self.limit
        while left is None or left > 0:
            page = yield from self._page(exchange, cursor, left)
            yield Emit(page.value.items[:left])
            left = None if left is None else left - len(page.value.items)
            cursor = page.value.next_cursor
            if cursor is None:
                return
            if cursor in seen:
                raise self._repeated(exchange, page)
            seen.add(cursor)

    def _page(
        self, exchange: Exchange, cursor: str | None, left: int | None
    ) -> Plan[RawResponse[Page[T]]]:
        size = MAX_PAGE_ITEMS if left is None else max(1, min(left, MAX_PAGE_ITEMS))
        request = self.operation.request(
            self.values, query={**self.query, "limit": size, "cursor": cursor}
        )
        answer = yield from exchange.send(request)
        return raw_response(answer, page_in(answer, self.operation.answer))

    def _repeated(self, exchange: Exchange, page: RawResponse[Page[T]]) -> ApiAnswerError:
        trail = exchange.new_trail(self.operation.request(self.values))
        trail.attempts = page.attempts
        return trail.error(
            ApiAnswerError,
            "The server gave the same cursor twice, so that the list would never end.",
            hint="Report it with the request id.",
            response=WireResponse(status=page.status, headers=page.headers),
        )


@dataclass(frozen=True, slots=True)
class AnyCall:
    """A call of an endpoint that this release does not know: JSON in, JSON out."""

    request: ApiRequest

    def plan(self, exchange: Exchange) -> Plan[RawResponse[Any]]:  # Any: JSON, or else bytes
        """Return how it is done."""
        answer = yield from exchange.send(self.request)
        body = answer.response.body
        value = body or None
        if body and is_json(answer.response.headers):
            value = document_in(answer)
        return raw_response(answer, value)


def operation_call(
    operation: Operation[T],
    values: Mapping[str, str] | None = None,
    *,
    body: object = None,
    idempotency_key: str | None = None,
) -> OperationCall[T]:
    """Return the call of an operation."""
    request = operation.request(values, body=body, idempotency_key=idempotency_key)
    return OperationCall(operation, request)


def listing(
    operation: Operation[T],
    values: Mapping[str, str] | None = None,
    *,
    query: Mapping[str, Any] | None = None,  # Any: whatever str() turns into the right text
    limit: int | None = None,
) -> Listing[T]:
    """Return the call of an operation that answers with a list."""
    if limit is not None and limit < 0:
        raise UsageError(f"limit is {limit}.", hint="Give a number from 0, or None for all.")
    return Listing(operation, values or {}, query or {}, limit)
