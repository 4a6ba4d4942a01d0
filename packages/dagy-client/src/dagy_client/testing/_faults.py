"""What can go wrong with a request to the fake server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No connection: the server never sees the request."""


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """The server acts, and the connection breaks before it answers."""


@dataclass(frozen=True, slots=True)
class AnswerCut:
    """The server acts, and the connection breaks in the middle of its answer."""

    after_bytes: int


@dataclass(frozen=True, slots=True)
class AnsweredInstead:
    """Something else answers, or the server does not act: an error, HTML, a redirect."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Fault = Unreachable | AnswerLost | AnswerCut | AnsweredInstead
