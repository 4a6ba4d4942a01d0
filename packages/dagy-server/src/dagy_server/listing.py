"""Lists: pages of equal cost, however long the list is and wherever in it a page begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.engine import Row

from dagy_server import limits
from dagy_server.database.cursors import decode_cursor, encode_cursor
from dagy_server.transactions import View

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=limits.PAGE_ITEMS, description="The most items in a page.")]

Cursor = Annotated[
    str | None,
    Query(max_length=limits.CURSOR_CHARACTERS, description="The next_cursor of the page before."),
]


class Page(BaseModel, Generic[T]):
    """A part of a list, and where the next one begins: ``null`` after the last."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows in the order of some columns, which tell each row from all others.

    Attributes:
        statement: The rows, filtered and in no order; there is an index for each filter.
        keys: The columns, which the index has behind those that are filtered by.
    """

    statement: Select[Any]
    keys: Sequence[ColumnElement[Any]]
    is_descending: bool = True

    def after(self, values: Sequence[Any] | None, *, limit: int) -> Select[Any]:
        """Return the rows behind the one with these keys, or the first ones."""
        statement = self.statement
        if values is not None:
            columns = tuple_(*self.keys)
            place = tuple_(*(literal(each) for each in values))
            statement = statement.where(columns < place if self.is_descending else columns > place)
        order = [each.desc() if self.is_descending else each.asc() for each in self.keys]
        return statement.order_by(*order).limit(limit)

    def page(
        self,
        view: View,
        *,
        limit: int,
        cursor: str | None,
        document: Callable[[Row[Any]], Mapping[str, Any]],
        start: Sequence[Any] | None = None,
    ) -> dict[str, Any]:
        """Return one page as a document.

        Args:
            start: The keys after which the first page begins, if not with the first item.

        Raises:
            UsageError: When the cursor is none of this list.
        """
        order = self._order
        after = read_cursor(view, cursor, order=order) or start
        rows = view.connection.execute(self.after(after, limit=limit + 1)).all()
        items = [document(row) for row in rows[:limit]]
        next_keys = None
        if len(rows) > limit:
            last = rows[limit - 1]._mapping
            next_keys = [last[key] for key in self.keys]
        return page_document(view, items, next_keys, order=order)

    @property
    def _order(self) -> str:
        direction = "-" if self.is_descending else ""
        return ",".join(f"{direction}{key.key}" for key in self.keys)


def read_cursor(view: View, cursor: str | None, *, order: str) -> tuple[Any, ...] | None:
    """Return the keys in a cursor of this request, if it has one.

    Args:
        order: What the list is ordered by. In another order the cursor would mean other items.

    Raises:
        UsageError: When it is none of this list.
    """
    if cursor is None:
        return None
    return decode_cursor(cursor, scope=_scope(view, order), secret=view.services.secret)


def page_document(
    view: View,
    items: Sequence[Mapping[str, Any]],
    next_keys: Sequence[Any] | None,
    *,
    order: str,
) -> dict[str, Any]:
    """Return a page as a document, with the cursor after its last item unless it is the end."""
    cursor = None
    if next_keys is not None:
        scope = _scope(view, order)
        cursor = encode_cursor(next_keys, scope=scope, secret=view.services.secret)
    return {"items": list(items), "next_cursor": cursor}


def _scope(view: View, order: str) -> str:
    return f"{view.caller.organisation_id} {view.call.request.url.path} {order}"
