"""What schemathesis cannot know of a request: what it has to be in the light of the others."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import Any

import schemathesis

_numbers = count(1)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Make three of four uploads whole, and three of four idempotency keys new."""
    number = next(_numbers)
    if not case.meta.generation.mode.is_positive or number % 4 == 0:
        return
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"key-{number}"
    if case.operation.label == "POST /artifacts":
        body = case.as_transport_kwargs().get("data")
        content = body if isinstance(body, bytes) else str(body or "").encode()
        case.headers["X-Content-SHA256"] = hashlib.sha256(content).hexdigest()
