"""Run a flow of an unpacked archive for another program: ``python -m dagy.unattended``.

That program writes one JSON object, an `Order`, to the standard input, and keeps that open for as
long as the run is wanted: once it is closed, whatever the reason, this process and its children
are killed. What goes wrong before there is a record of the run is told in one JSON object on the
standard output. What user code prints outside of tasks goes to the standard error.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from dagy.local import LocalLogger, resume_flow, run_flow
from dagy_store import LocalMetadataStore
from dagy_types import Run, TaskStatus
from dagy_types.errors import DagyError

if TYPE_CHECKING:
    from dagy._flow import Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run, and where to record it.

    Attributes:
        target: The flow, as `dagy.loader.load_flow` takes it.
        record: The directory of the record.
        run_id: What the run is called there.
        parameters: As JSON.
        resumes: Runs of the record whose work is taken over, the newest first: that of the first
            one that had begun.
    """

    target: str
    record: str
    run_id: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    resumes: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Return the line that `main` reads."""
        return json.dumps(asdict(self)).encode() + b"\n"


def order_from_json(text: str | bytes) -> Order:
    """Read what `Order.to_json` wrote."""
    document = json.loads(text)
    return Order(**{**document, "resumes": tuple(document["resumes"])})


def main() -> int:
    """Carry out the order that the standard input has."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started it may ignore it
    answer, lifeline = _take_standard_streams()
    order = order_from_json(_read_line(lifeline))
    threading.Thread(target=_end_with, args=[lifeline], daemon=True).start()
    try:
        with LocalMetadataStore(order.record) as store:
            _run(order, store)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except DagyError as error:
        answer.write(json.dumps({"error": error.message, "hint": error.hint}))
        answer.close()
        return 1
    return 0


def _run(order: Order, store: LocalMetadataStore) -> None:
    from dagy.loader import load_flow  # user code is imported from here on

    flow: Flow[..., Any] = load_flow(order.target)
    logger = LocalLogger(quiet=True)
    earlier = _resumed_run(order, store)
    if earlier is None:
        parameters = flow.parse_parameters({}, order.parameters)
        run_flow(flow, parameters, recorder=store, logger=logger, run_id=order.run_id)
        return
    resume_flow(
        flow,
        earlier.run_id,
        reader=store,
        recorder=store,
        accept_code_change=True,  # the archive is the same, and Python may be another one
        logger=logger,
        new_run_id=order.run_id,
    )


def _resumed_run(order: Order, store: LocalMetadataStore) -> Run | None:
    runs = [store.get_run(run_id) for run_id in order.resumes]
    for run in runs:
        tasks = store.list_task_runs(run.run_id)
        if any(each.status is not TaskStatus.PENDING for each in tasks):
            return run
    return None


def _take_standard_streams() -> tuple[TextIO, int]:
    """Return the standard output, and the descriptor of the standard input.

    User code gets the standard error for the one, and nothing for the other.
    """
    answer, lifeline = os.fdopen(os.dup(1), "w"), os.dup(0)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return answer, lifeline


def _read_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n") and (part := os.read(descriptor, 65_536)):
        line += part
    return line


def _end_with(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
