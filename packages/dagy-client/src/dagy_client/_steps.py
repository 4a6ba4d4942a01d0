"""What a call needs to have done, as data: plans decide on steps, drivers perform them.

A plan is a generator. It yields steps, gets what came of each, and returns the result of the call.
It does no I/O and never waits, so the same plan serves the sync and the async client.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Trouble(Enum):
    """Why there is no answer, or not the whole of it."""

    UNREACHABLE = "cannot be reached"
    UNTRUSTED = "has a certificate that cannot be verified"
    TOO_SLOW = "did not answer in time"
    BROKEN_OFF = "broke the connection off before the whole answer was there"
    TOO_LONG = "answered with more than this client takes"
    UNREADABLE = "answered with something that cannot be decoded"


class WireError(Exception):
    """There is no answer, or not the whole of it."""

    def __init__(self, trouble: Trouble, reason: str = "") -> None:
        super().__init__(trouble, reason)
        self.trouble = trouble
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Chunks:
    """The body of a request that is too large to have in memory.

    Attributes:
        open: Starts from the beginning, each time that it is called.
    """

    open: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """One request, as it goes out.

    Attributes:
        deadline: When the whole answer must be there, by the clock of the client.
        idle_seconds: How long a part of the answer may take.
        is_streamed: Whether the body of a good answer is read step by step.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | Chunks | None = field(repr=False)
    deadline: float
    idle_seconds: float
    is_streamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WireResponse:
    """One answer, as it came in.

    Attributes:
        headers: By their names in lower case.
        stream: What to read the body from, when it is streamed; the body is empty then.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    stream: Any = None  # Any: of the driver's own making


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request, for its answer."""

    request: WireRequest


@dataclass(frozen=True, slots=True)
class Read:
    """Read on in an answer, for the next bytes; for none at its end."""

    response: WireResponse


@dataclass(frozen=True, slots=True)
class Finish:
    """Let go of a streamed answer, at its end or before."""

    response: WireResponse


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """Do something that may take a while, for what it returns."""

    action: Callable[[], T]


@dataclass(frozen=True, slots=True)
class Emit(Generic[T]):
    """Hand items to whoever iterates, one by one; go on when they want the next one."""

    items: Sequence[T]


Step = (
    Send | Read | Finish | Sleep | Work[Any] | Emit[Any]
)  # Any: a step knows its type, a union does not

Plan = Generator[Step, Any, T]  # Any: what comes of a step depends on it; see the functions below


def send(request: WireRequest) -> Plan[WireResponse]:
    """Send a request.

    Raises:
        WireError: When there is no answer, or not the whole of it.
    """
    response: WireResponse = yield Send(request)
    return response


def read(response: WireResponse) -> Plan[bytes]:
    """Return the next bytes of a streamed answer; none at its end.

    Raises:
        WireError: When it is cut off.
    """
    chunk: bytes = yield Read(response)
    return chunk


def work(action: Callable[[], T]) -> Plan[T]:
    """Return what an action returns, or raise what it raises."""
    result: T = yield Work(action)
    return result


class Progress(Generic[T]):
    """A plan under way.

    Attributes:
        step: What to do next; ``None`` once the plan has returned.
        opened: Streamed answers that are not finished: the driver does that, at the latest at the
            end.
    """

    def __init__(self, plan: Plan[T]) -> None:
        self.step: Step | None = None
        self.opened: list[WireResponse] = []
        self._plan = plan
        self._result: list[T] = []
        self.go_on(None)

    @property
    def result(self) -> T:
        """What the plan has returned."""
        return self._result[0]

    def go_on(self, outcome: object) -> None:
        """Tell the plan what came of the step."""
        try:
            self.step = self._plan.send(outcome)
        except StopIteration as stop:
            self.step = None
            self._result.append(stop.value)

    def fail(self, error: Exception) -> None:
        """Tell the plan that the step has failed."""
        try:
            self.step = self._plan.throw(error)
        except StopIteration as stop:
            self.step = None
            self._result.append(stop.value)

    def close(self) -> None:
        """End the plan, wherever it stands."""
        self._plan.close()
