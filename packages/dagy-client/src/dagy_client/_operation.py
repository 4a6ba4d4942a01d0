"""What an endpoint is, and the calls that are made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

from dagy_client._codec import encode
from dagy_client._exchange import ApiRequest, new_id
from dagy_client._steps import Chunks
from dagy_types.errors import UsageError

T = TypeVar("T")

JSON = "application/json"
EVENTS = "text/event-stream"
BYTES = "application/octet-stream"

_PART = re.compile(r"\{(\w+)\}")
_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[T]):
    """One endpoint of the API: what a client may send there, and what a server answers.

    Attributes:
        name: Where the client has it: ``runs.get`` is ``client.runs.get``.
        path: ``{run_id}`` stands for a value, percent-encoded as one segment.
        answer: The record in a good answer: a JSON object, or a page of such objects. ``NoneType``
            for none, ``bytes`` for an archive.
        is_list: Whether the answer is ``{"items": [...], "next_cursor": ...}``; the query may then
            have ``limit``, the most items in a page, and ``cursor``, the place to go on from.
        has_events: Whether ``Accept: text/event-stream`` gets the items as they come to be.
        body: The record in the request: a JSON object; ``bytes`` for an archive.
        query: Filters in the query.
        is_keyed: Whether the request carries an ``Idempotency-Key``: the same key with the same
            request is acted on once, and answered alike each time.
        is_public: Whether it needs no token.
        status: Of a good answer.
        api_level: The first level of the API that has it, as in ``Dagy-API-Level``.
    """

    name: str
    method: str
    path: str
    answer: type[T]
    is_list: bool = False
    has_events: bool = False
    body: type | None = None
    query: tuple[str, ...] = ()
    is_keyed: bool = False
    is_public: bool = False
    status: int = 200
    api_level: int = 1

    @property
    def is_idempotent(self) -> bool:
        """Whether doing it twice is the same as doing it once, even without a key."""
        return self.method in ("GET", "HEAD", "PUT", "DELETE")

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again when nobody knows if the server has acted."""
        return self.is_idempotent or self.is_keyed

    def request(
        self,
        values: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, Any] | None = None,  # Any: whatever str() turns into the right text
        body: Any = None,  # Any: a record
        idempotency_key: str | None = None,
        accept: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> ApiRequest:
        """Return the request of one logical call: each attempt at it sends the same."""
        sent = {"Accept": accept, **(headers or {})}
        if self.is_keyed:
            sent["Idempotency-Key"] = checked_key(idempotency_key)
        return ApiRequest(
            method=self.method,
            template=self.path,
            path=expanded_path(self.path, values or {}) + query_text(query or {}),
            headers=sent | content_headers(body),
            content=body if body is None or isinstance(body, Chunks) else encode(body),
            is_public=self.is_public,
            is_repeatable=self.is_repeatable,
            is_streamed=accept in (EVENTS, BYTES),
            is_transfer=bytes in (self.body, self.answer),
            api_level=self.api_level,
        )


def content_headers(body: object) -> dict[str, str]:
    """Return the headers that say what a body is."""
    if body is None:
        return {}
    return {"Content-Type": BYTES if isinstance(body, Chunks) else JSON}


def checked_key(idempotency_key: str | None) -> str:
    """Return the key, or else a new one.

    Raises:
        UsageError: When it cannot be sent.
    """
    if idempotency_key is None:
        return new_id()
    if not _KEY.fullmatch(idempotency_key):
        raise UsageError(
            "The idempotency key cannot be sent.",
            hint="Use up to 255 printable ASCII characters without spaces.",
        )
    return idempotency_key


def expanded_path(template: str, values: Mapping[str, str]) -> str:
    """Return a path with its values in place; each remains one segment, whatever is in it.

    Raises:
        UsageError: When a value cannot be a segment.
    """

    def segment(part: re.Match[str]) -> str:
        value = values[part[1]]
        if value in ("", ".", ".."):
            raise UsageError(
                f"{value!r} cannot be a {part[1]}.", hint="Give the name or id of one thing."
            )
        return quote(value, safe="")

    return _PART.sub(segment, template)


def query_text(query: Mapping[str, Any]) -> str:  # Any: whatever str() turns into the right text
    """Return the query with its question mark; nothing for what is ``None``."""
    given = {name: str(value) for name, value in query.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
