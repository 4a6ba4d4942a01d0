"""What a worker sends to the coordinator: who it is, then the events of its attempts."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from datetime import datetime

from dagy import _failure
from dagy_types import AttemptEvent, AttemptResult


@dataclass(frozen=True, slots=True)
class Hello:
    """A worker is ready.

    Attributes:
        process: Its process id, and that of its process group.
    """

    process: int


class SubstituteError(Exception):
    """Stands for an exception that cannot be sent to another process.

    Its class has the name of that one's class, and it says the same.
    """


class SubstituteExit(BaseException):
    """Stands for an exception outside the tree of `Exception`, as `SubstituteError` does."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """An attempt's result that is an exception, which may not survive the journey itself."""

    task_id: str
    number: int
    ended_at: datetime
    traceback: str
    type_name: str
    message: str
    is_exception: bool
    pickled: bytes | None

    def unpacked(self) -> AttemptResult:
        error = None if self.pickled is None else _unpickled(self.pickled)
        return AttemptResult(
            self.task_id, self.number, self.ended_at, error or self._substitute(), self.traceback
        )

    def _substitute(self) -> BaseException:
        kind = SubstituteError if self.is_exception else SubstituteExit
        substitute: BaseException = type(self.type_name, (kind,), {})(self.message)
        return substitute


def pack(event: AttemptEvent | Hello) -> bytes:
    """Return the bytes that `unpack` makes an event of."""
    if isinstance(event, AttemptResult) and isinstance(event.outcome, BaseException):
        error = event.outcome
        return pickle.dumps(
            _Failure(
                event.task_id,
                event.number,
                event.ended_at,
                event.traceback,
                type_name=type(error).__name__,
                message=_failure.message(error),
                is_exception=isinstance(error, Exception),
                pickled=_pickled(error),
            )
        )
    return pickle.dumps(event)


def unpack(data: bytes) -> AttemptEvent | Hello:
    """Return an event; where its exception cannot be restored, there is a substitute."""
    event: AttemptEvent | Hello | _Failure = pickle.loads(data)  # noqa: S301  from our own worker
    return event.unpacked() if isinstance(event, _Failure) else event


def _pickled(error: BaseException) -> bytes | None:
    # Many exceptions can be pickled and not restored: those with a constructor of their own.
    try:
        pickled = pickle.dumps(error)
    except Exception:  # noqa: BLE001  an author's class may raise anything
        return None
    return pickled if type(_unpickled(pickled)) is type(error) else None


def _unpickled(pickled: bytes) -> BaseException | None:
    try:
        error = pickle.loads(pickled)  # noqa: S301  from our own worker
    except Exception:  # noqa: BLE001  an author's class may raise anything
        return None
    return error if isinstance(error, BaseException) else None
