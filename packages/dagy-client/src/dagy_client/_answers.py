"""Answers: what is in them, and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from dagy_client._codec import UnfitError, decode, decode_json, decode_quickly, parse_json
from dagy_client._exchange import Answer
from dagy_client._operation import JSON
from dagy_client._steps import WireResponse
from dagy_client._trail import Trail
from dagy_client.errors import ApiAnswerError
from dagy_types.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list.

    Attributes:
        next_cursor: Where the next part begins; ``None`` after the last one.
    """

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawResponse(Generic[T]):
    """An answer with all that belongs to it.

    Attributes:
        headers: By their names in lower case; not in the ``repr``, as is the body.
        body: As it was sent; empty when it was streamed.
        value: What the method returns without ``with_raw_response``.
        attempts: How many requests were made for it.
        elapsed_seconds: From the start of the call to its end, waits included.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    value: T
    request_id: str
    attempts: int
    elapsed_seconds: float

    @property
    def is_replayed(self) -> bool:
        """Whether the server had acted on an earlier request with the same idempotency key."""
        return self.headers.get("idempotency-replayed", "").lower() == "true"

    def json(self) -> Any:  # Any: JSON
        """Return the document, with all that this release does not know.

        Raises:
            UsageError: When the body is no JSON.
        """
        try:
            return parse_json(self.body)
        except UnfitError:
            raise UsageError("The body of this answer is not JSON.") from None


def raw_response(answer: Answer, value: T) -> RawResponse[T]:
    """Return an answer with all that belongs to it."""
    response, trail = answer.response, answer.trail
    return RawResponse(
        status=response.status,
        headers=response.headers,
        body=response.body,
        value=value,
        request_id=response.headers.get("x-request-id", trail.request_id),
        attempts=trail.attempts,
        elapsed_seconds=trail.clock() - trail.started,
    )


def record_in(answer: Answer, kind: type[T]) -> T:
    """Return the record in an answer.

    Raises:
        ApiAnswerError: When there is none.
    """
    require_content_type(answer, JSON)
    try:
        return decode_json(kind, answer.response.body)
    except UnfitError as error:
        raise unfit(answer.trail, answer.response, str(error)) from None


def page_in(answer: Answer, kind: type[T]) -> Page[T]:
    """Return the page in an answer; a bare array is a page without a next one.

    Raises:
        ApiAnswerError: When there is none.
    """
    require_content_type(answer, JSON)
    of_kind: Any = kind  # Any: mypy does not know that classes are hashable
    page = decode_quickly(_page_type(of_kind), answer.response.body)
    if page is not None and page.next_cursor != "":
        return Page(page.items, page.next_cursor)
    document = document_in(answer)
    cursor = None
    if isinstance(document, dict):
        cursor = document.get("next_cursor")
        document = document.get("items")
    if not isinstance(document, list) or not isinstance(cursor, str | None):
        raise unfit(answer.trail, answer.response, "it is no page of a list")
    try:
        return Page(tuple(decode(kind, each) for each in document), cursor or None)
    except UnfitError as error:
        raise unfit(answer.trail, answer.response, str(error)) from None


@cache
def _page_type(kind: Any) -> Any:  # Any: a class, and a class like `Page` of it
    # Not that itself: before pydantic 2.11, the items of a generic dataclass may be anything.
    fields: list[Any] = [("items", tuple[kind, ...]), ("next_cursor", str | None, None)]
    return make_dataclass("PageOfKind", fields)


def document_in(answer: Answer) -> Any:  # Any: JSON
    """Return the JSON in an answer.

    Raises:
        ApiAnswerError: When it is something else.
    """
    require_content_type(answer, JSON)
    try:
        return parse_json(answer.response.body)
    except UnfitError as error:
        raise unfit(answer.trail, answer.response, str(error)) from None


def require_content_type(answer: Answer, expected: str) -> None:
    """Refuse HTML and the like.

    Raises:
        ApiAnswerError: When the answer says that it is something else.
    """
    found = _content_type(answer.response.headers)
    is_fine = is_json(answer.response.headers) if expected == JSON else found == expected
    if not is_fine:
        shown = answer.trail.shown(found) or "no content"
        raise answer.trail.error(
            ApiAnswerError,
            f"The server answered with {shown} instead of {expected}.",
            hint="Check the base URL: it may be that of the web app, or lack its prefix.",
            response=answer.response,
        )


def unfit(trail: Trail, response: WireResponse, why: str) -> ApiAnswerError:
    """Return the error of an answer that is not what the API says."""
    return trail.error(
        ApiAnswerError,
        f"The answer does not fit: {trail.shown(why)}.",
        hint="Check the base URL, and whether server and dagy-client are of about the same age.",
        response=response,
    )


def _content_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(headers: Mapping[str, str]) -> bool:
    kind = _content_type(headers)
    return kind == JSON or kind.endswith("+json")
