"""From an error to its answer. What is the server's own fault goes to the log, and not out."""

from __future__ import annotations

import logging

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from dagy_server.bodies import printable
from dagy_server.errors import (
    FieldFault,
    InvalidFieldsError,
    MethodError,
    error_document,
    error_headers,
    internal_document,
    status_of,
)
from dagy_server.pages.errors import error_page, is_page
from dagy_server.transactions import json_response
from dagy_types.errors import DagyError, NotFoundError, UsageError

_logger = logging.getLogger("dagy_server")


def answer_error(error: Exception, *, path: str, request_id: str) -> Response:
    """Return the answer for an error: a page where people look, JSON for programs."""
    known = _known(error)
    status = status_of(known) if known else 500
    if status >= 500:
        _logger.error("Request %s failed", request_id, exc_info=error)
    if known is None or status == 500:
        document, headers = internal_document(request_id), {}
    else:
        document, headers = error_document(known, request_id), error_headers(known)
    if isinstance(error, HTTPException) and error.headers:
        headers = {**headers, **error.headers}
    if is_page(path):
        return error_page(document, status=status, headers=headers)
    return json_response(document, status, headers)


def _known(error: Exception) -> DagyError | None:
    if isinstance(error, DagyError):
        return error
    if isinstance(error, RequestValidationError):
        return InvalidFieldsError([_fault(each) for each in error.errors()])
    if isinstance(error, HTTPException):
        return _from_http(error)
    return None


def _from_http(error: HTTPException) -> DagyError | None:
    if error.status_code == 404:
        return NotFoundError("There is nothing at this path.", hint="See /docs for what there is.")
    if error.status_code == 405:
        return MethodError("This path has no such method.", hint="See /docs for what there is.")
    if error.status_code < 500:
        return UsageError("The request cannot be read.", hint="See /docs for how to send it.")
    return None


def _fault(error: dict[str, object]) -> FieldFault:
    location = error.get("loc")
    path = ".".join(map(str, location)) if isinstance(location, tuple) else "body"
    message = str(error.get("msg", "cannot be accepted")).removeprefix("Value error, ")
    return FieldFault(printable(path), printable(message))
