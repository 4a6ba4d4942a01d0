"""A live log of the fake server."""

from __future__ import annotations

import json
from collections.abc import Sequence

from dagy_client._operation import EVENTS
from dagy_client.testing._messages import Reply
from dagy_types import LogRecord, log_document


def event_reply(records: Sequence[LogRecord], *, last_event_id: str, is_all: bool) -> Reply:
    """Return the events after the one that has this id, and the end if there is one."""
    start = int(last_event_id or "0")
    events = [
        f"id: {number}\nevent: log\ndata: {json.dumps(log_document(record))}\n\n".encode()
        for number, record in enumerate(records[start:], start + 1)
    ]
    end = (b"event: end\ndata: {}\n\n",) if is_all else ()
    chunks = (b": here I am\n\n", *events, *end)
    return Reply(status=200, headers={"Content-Type": EVENTS}, chunks=chunks)
