"""Records from bodies, and pages of records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from dagy_client._codec import UnfitError, decode
from dagy_client.testing._messages import RefusedError, SeenRequest
from dagy_client.testing._shelf import Shelf

T = TypeVar("T")


def body(kind: type[T], request: SeenRequest) -> T:
    """Return the record that a request holds.

    Raises:
        RefusedError: When it holds none.
    """
    try:
        return decode(kind, request.document)
    except UnfitError as error:
        raise RefusedError(422, "invalid_request", f"The request does not fit: {error}.") from None


def page(
    shelf: Shelf[T], request: SeenRequest, where: Callable[[T], bool] = lambda _: True
) -> tuple[list[T], str | None]:
    """Return the page that is asked for, the newest first, and its next cursor."""
    limit = int(request.query.get("limit", "50"))
    return shelf.page(limit=limit, cursor=request.query.get("cursor"), where=where)


def in_order(things: list[T], request: SeenRequest) -> tuple[list[T], str | None]:
    """Return the page that is asked for of things in their order, and its next cursor."""
    start = int(request.query.get("cursor", "0"))
    end = start + int(request.query.get("limit", "50"))
    return things[start:end], str(end) if end < len(things) else None


def matches(query: Mapping[str, str], *names: str) -> Callable[[Any], bool]:  # Any: any record
    """Return what tells whether a record has the values that these filters want."""
    wanted = {name: query[name] for name in names if name in query}
    return lambda thing: all(str(getattr(thing, name)) == wanted[name] for name in wanted)
