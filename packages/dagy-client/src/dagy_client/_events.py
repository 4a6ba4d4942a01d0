"""Lists that go on while they are read: each item once, in order, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from dagy_client._answers import Page, RawResponse, require_content_type, unfit
from dagy_client._codec import UnfitError, decode, parse_json
from dagy_client._exchange import Answer, ApiRequest, Exchange
from dagy_client._operation import EVENTS, Operation
from dagy_client._sse import EventParser, ServerEvent
from dagy_client._steps import Emit, Finish, Plan, Trouble, WireError, read
from dagy_types.errors import UsageError

T = TypeVar("T")

_ITEM = ("log", "message")
_END = "end"
_NO_CONTENT = 204


@dataclass(slots=True)
class _Place:
    """How far a stream has been read.

    Attributes:
        event_id: Of the last item.
        is_further: Whether there was an item since the connection was opened.
    """

    event_id: str = ""
    is_further: bool = False
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class EventStream(Generic[T]):
    """The items of an operation as they come to be, until the server says that it was the last."""

    operation: Operation[T]
    values: Mapping[str, str]
    query: Mapping[str, Any]  # Any: whatever str() turns into the right text

    def plan(self, exchange: Exchange) -> Plan[RawResponse[Page[T]]]:  # noqa: ARG002 - a protocol's
        """Refuse: no single answer holds a stream."""
        raise UsageError(
            "A live stream has no raw response: it may take many.",
            hint="Leave out follow=True, or with_raw_response.",
        )

    def iteration(self, exchange: Exchange) -> Plan[None]:
        """Return how all of it is got, item by item; a cut is mended where it happened."""
        place = _Place()
        failures = 0
        while True:
            answer = yield from exchange.send(self._request(place))
            if answer.response.status == _NO_CONTENT:
                return
            require_content_type(answer, EVENTS)
            parser = EventParser()
            place.is_further = False
            trouble = yield from self._items(answer, parser, place)
            if place.is_end:
                return
            yield Finish(answer.response)
            failures = 1 if place.is_further else failures + 1
            if failures >= exchange.policy.max_attempts:
                raise exchange.connection_error(answer.trail, trouble)
            yield from exchange.pause(failures, wanted_seconds=parser.retry_seconds)

    def _items(self, answer: Answer, parser: EventParser, place: _Place) -> Plan[WireError]:
        """Emit the items of one connection; return why it has ended."""
        try:
            while chunk := (yield from read(answer.response)):
                for event in parser.feed(chunk):
                    if event.kind == _END:
                        place.is_end = True
                        return WireError(Trouble.BROKEN_OFF)
                    # A server may begin with the item at which it was to go on.
                    if event.kind in _ITEM and not (event.event_id == place.event_id != ""):
                        item = self._item(answer, event)
                        place.event_id, place.is_further = event.event_id, True
                        yield Emit((item,))
        except WireError as trouble:
            return trouble
        return WireError(Trouble.BROKEN_OFF)

    def _item(self, answer: Answer, event: ServerEvent) -> T:
        try:
            return decode(self.operation.answer, parse_json(event.data.encode()))
        except UnfitError as error:
            raise unfit(answer.trail, answer.response, f"event {event.event_id}: {error}") from None

    def _request(self, place: _Place) -> ApiRequest:
        headers = {"Cache-Control": "no-store", "Accept-Encoding": "identity"}
        if place.event_id:
            headers["Last-Event-ID"] = place.event_id
        return self.operation.request(self.values, query=self.query, accept=EVENTS, headers=headers)
