"""What a body may be, checked before anything is made of it."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from starlette.requests import Request

from dagy_server.errors import FieldFault, InvalidFieldsError, MediaTypeError, TooLargeError
from dagy_server.limits import BODY_BYTES, JSON_DEPTH, STRING_CHARACTERS
from dagy_types.errors import UsageError

JSON = "application/json"

_LONGEST_PATH = 500
_HAS_PARTS = (dict, list)  # a union takes twice as long to ask for


async def read_body(request: Request, *, limit: int = BODY_BYTES) -> bytes:
    """Read a body that has no more bytes than the limit.

    Raises:
        TooLargeError: When it has; no more than that is read.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def require_media_type(header: str | None, accepted: str) -> None:
    """Refuse a body of another kind.

    Raises:
        MediaTypeError: When it is one.
    """
    given = (header or "").partition(";")[0].strip().lower()
    if given != accepted:
        raise MediaTypeError(
            f"The body is {given or 'of no known type'}.", hint=f"Send Content-Type: {accepted}"
        )


def parse_json(body: bytes) -> Any:
    """Return what a JSON body holds: within the limits.

    Raises:
        UsageError: When it is not JSON.
        InvalidFieldsError: When it is too deep, or has a text that is too long.
    """
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise UsageError("The body is not UTF-8.", hint="Send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UsageError(
            f"The body is not JSON: {error.msg} at {where}.", hint="Send a JSON object."
        ) from None
    except RecursionError:
        raise InvalidFieldsError([_too_deep("body")]) from None
    except ValueError as error:
        raise UsageError("The body has a number that is none.", hint=str(error)[:200]) from None
    _check(document)
    return document


def _check(document: Any) -> None:
    # A loop, as the depth is what is to be found out. Most of what is in a body has no place of its
    # own there: only of what has parts, or a fault, the path is written down.
    waiting: list[tuple[str, int, Any]] = [("body", 0, document)]
    while waiting:
        path, depth, value = waiting.pop()
        if fault := _fault_of(value):
            raise InvalidFieldsError([FieldFault(printable(path), fault)])
        if not isinstance(value, _HAS_PARTS):
            continue
        if depth >= JSON_DEPTH:
            raise InvalidFieldsError([_too_deep(path)])
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            if fault := _fault_of(key):
                raise InvalidFieldsError([FieldFault(printable(path), fault)])
            if isinstance(item, _HAS_PARTS) or _fault_of(item):
                waiting.append((f"{path}.{key}"[:_LONGEST_PATH], depth + 1, item))


def _fault_of(value: Any) -> str | None:
    if isinstance(value, str) and len(value) > STRING_CHARACTERS:
        return f"the text is longer than {STRING_CHARACTERS} characters"
    if isinstance(value, float) and not math.isfinite(value):
        return "the number is too large"
    return None


def printable(text: str) -> str:
    """Return text that can stand in an answer: a body may have half a surrogate pair in it."""
    return text.encode(errors="replace").decode()[:_LONGEST_PATH]


def _too_deep(path: str) -> FieldFault:
    return FieldFault(printable(path), f"lists and objects are more than {JSON_DEPTH} deep")


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError("The body is too large.", hint=f"Send up to {limit} bytes.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
