"""How the fake provider misbehaves when a test asks for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

from dagy_auth.testing._exchange import Refusal, Reply, SeenRequest, html_reply

FaultKind = Literal[
    "html", "error_500", "unauthorized", "echo", "drop", "truncated", "cut_off", "slow"
]

# These spoil an answer that the provider has worked for: a token is renewed all the same.
_SPOILERS = ("truncated", "cut_off", "slow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        path: The path of the requests that it is for, such as ``/token``.
        kind: ``html`` answers 200 with a page, ``error_500`` with a page of an error,
            ``unauthorized`` 401 with nothing, ``echo`` a refusal that repeats all that was sent,
            ``drop`` closes the connection; all of them instead of doing anything. What was asked
            for is done, but the answer is broken JSON with ``truncated``, ends too early with
            ``cut_off``, and comes late with ``slow``.
        seconds: How late.
    """

    path: str
    kind: FaultKind
    seconds: float = 60.0

    @property
    def spoils_answer(self) -> bool:
        """Whether what was asked for is done nevertheless."""
        return self.kind in _SPOILERS


class Faults:
    """The faults that are to come; each is used once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._to_come: list[Fault] = []

    def add(self, fault: Fault, *, times: int) -> None:
        with self._lock:
            self._to_come += [fault] * times

    def take(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self._to_come:
                if fault.path == path:
                    self._to_come.remove(fault)
                    return fault
        return None


def faulty_reply(fault: Fault, request: SeenRequest) -> Reply | None:
    """Return what is answered instead; ``None`` when the connection is dropped."""
    sent = [*request.parameters.values(), request.authorization]
    replies = {
        "html": html_reply("This is no JSON."),
        "error_500": html_reply("Internal server error", status=500),
        "unauthorized": Reply(status=401),
        "echo": Refusal("invalid_request", " ".join(sent)).reply(),
    }
    return replies.get(fault.kind)


def spoilt_body(fault: Fault | None, body: bytes) -> bytes:
    """Return what is sent of a body."""
    if fault is None or fault.kind not in ("truncated", "cut_off"):
        return body
    return body[: len(body) // 2]
