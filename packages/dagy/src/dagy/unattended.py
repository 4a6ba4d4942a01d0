"""Run a flow of an unpacked archive for another program: ``python -m dagy.unattended``.

The standard input is a Unix stream socket. That program sends one `Order` there, whenever it has
one, see `send_order`; until then this process loads what flows need. It keeps the socket open for
as long as the run is wanted: once it is closed, whatever the reason, this process and its children
are killed. What goes wrong before there is a record of the run is told there in one JSON object.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import dagy._executors.threads  # noqa: F401 - nearly every flow needs it, and nobody waits yet
from dagy.loader import load_flow
from dagy.local import LocalLogger, resume_flow, run_flow
from dagy_store import LocalMetadataStore
from dagy_types import Run, TaskStatus
from dagy_types.errors import DagyError

if TYPE_CHECKING:
    from dagy._flow import Flow


_PART_BYTES = 65_536
_FAULT_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run, and where to record it.

    Attributes:
        target: The flow, as `dagy.loader.load_flow` takes it.
        directory: Where it is run.
        home: The home directory that it sees.
        record: The directory of the record.
        run_id: What the run is called there.
        parameters: As JSON.
        resumes: Runs of the record whose work is taken over, the newest first: that of the first
            one that had begun.
    """

    target: str
    directory: str
    home: str
    record: str
    run_id: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    resumes: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Return the line that `send_order` sends."""
        return json.dumps(asdict(self)).encode() + b"\n"


def order_from_json(text: str | bytes) -> Order:
    """Read what `Order.to_json` returned."""
    document = json.loads(text)
    return Order(**{**document, "resumes": tuple(document["resumes"])})


def send_order(channel: socket.socket, order: Order, *, output: int, lock: int) -> None:
    """Tell a process what to run.

    Args:
        channel: The other end of its standard input.
        output: A descriptor of where to put what user code prints outside of tasks.
        lock: A descriptor that it holds open for as long as there is any process of the flow.

    Raises:
        OSError: When the process is gone.
    """
    text = order.to_json()
    sent = socket.send_fds(channel, [text], [output, lock])
    channel.sendall(text[sent:])


def main() -> int:
    """Carry out the order that comes on the standard input, if one comes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started it may ignore it
    channel = _take_standard_input()
    order = _receive_order(channel)
    if order is None:
        return 0
    threading.Thread(target=_end_with, args=[channel], daemon=True).start()
    os.chdir(order.directory)
    os.environ["HOME"] = order.home
    try:
        with LocalMetadataStore(order.record) as store:
            _run(order, store)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except DagyError as error:
        channel.sendall(_fault(error))
        return 1
    return 0


def _run(order: Order, store: LocalMetadataStore) -> None:
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


def _fault(error: DagyError) -> bytes:
    # Cut, as nobody reads it before this process has ended: it must fit into the socket.
    message, hint = error.message[:_FAULT_CHARACTERS], error.hint and error.hint[:_FAULT_CHARACTERS]
    return json.dumps({"error": message, "hint": hint}).encode()


def _take_standard_input() -> socket.socket:
    """Return the socket that the standard input is; user code finds nothing there."""
    channel = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return channel


def _receive_order(channel: socket.socket) -> Order | None:
    line, descriptors, _, _ = socket.recv_fds(channel, _PART_BYTES, 2)
    if not line:
        return None
    while not line.endswith(b"\n"):
        part = channel.recv(_PART_BYTES)
        if not part:
            return None  # it was cut off: whoever sent it is gone
        line += part
    output, lock = descriptors
    os.set_inheritable(lock, True)  # it is held by being open, by whatever the flow starts too
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    return order_from_json(line)


def _end_with(channel: socket.socket) -> None:
    with suppress(ConnectionError):
        while channel.recv(_PART_BYTES):
            pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
