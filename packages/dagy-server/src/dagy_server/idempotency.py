"""Requests that come twice and are done once: the ``Idempotency-Key`` header.

The record of a key is written in the transaction of the change that it stands for, so there is
either both or nothing. A request that fails leaves no record and can be sent again.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select, update

from dagy_server.clock import DAY
from dagy_server.database.inserts import insert_if_absent
from dagy_server.database.schema import idempotency_keys
from dagy_server.errors import IdempotencyError, InFlightError
from dagy_server.limits import IDEMPOTENCY_KEY_CHARACTERS
from dagy_types.errors import ConflictError, UsageError

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"

LIFETIME = 2 * DAY
"""For how long a key is remembered."""

_UNSETTLED = 0

# Whole statements, as most changes execute them: put together anew, each would be analysed anew.
_table = idempotency_keys
_is_mine = (_table.c.principal == bindparam("owner")) & (_table.c.key == bindparam("name"))
_FORGET = delete(_table).where(_table.c.expires_at <= bindparam("now"))
_FIND = select(_table).where(_is_mine)
_SETTLE = update(_table).where(_is_mine)

_KEY = re.compile(r"[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of one principal, and the hash of the request that it came with."""

    principal: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer that was given to the same request before."""

    status: int
    body: bytes


class InFlight:
    """The keys whose requests this process is working on."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def working_on(self, key: Key | None) -> Iterator[None]:
        """Keep others with the same key out.

        Raises:
            InFlightError: When another one is in.
        """
        if key is None:
            yield
            return
        name = (key.principal, key.key)
        with self._lock:
            if name in self._keys:
                raise InFlightError(
                    "The request with this idempotency key is under way.",
                    hint="Send it again in a second to get its answer.",
                )
            self._keys.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._keys.remove(name)


def read_key(header: str | None, *, principal: str, request: tuple[str, str, bytes]) -> Key | None:
    """Return the key of a request: its method, its path with the query, its body.

    Raises:
        UsageError: When the header is not a key.
    """
    if header is None:
        return None
    if len(header) > IDEMPOTENCY_KEY_CHARACTERS or not _KEY.fullmatch(header):
        raise UsageError(
            f"{HEADER} is not a key.",
            hint=f"Send 1 to {IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters.",
        )
    method, path, body = request
    digest = hashlib.sha256(f"{method} {path}\n".encode(errors="replace") + body)
    return Key(principal, header, digest.hexdigest())


def claim(connection: Connection, key: Key, *, now: int) -> Replay | None:
    """Return the answer that a key stands for, or else take the key.

    Raises:
        IdempotencyError: When it came with another request.
        ConflictError: When the answer had a secret in it, which is not kept.
    """
    connection.execute(_FORGET, {"now": now})
    values = {
        "principal": key.principal,
        "key": key.key,
        "request_hash": key.request_hash,
        "status": _UNSETTLED,
        "created_at": now,
        "expires_at": now + LIFETIME,
    }
    # Where another server has the key in its hands, this waits for it.
    if insert_if_absent(connection, idempotency_keys, values):
        return None
    found = connection.execute(_FIND, {"owner": key.principal, "name": key.key}).one()
    return _replay(found.request_hash, found.status, found.body, key)


def settle(connection: Connection, key: Key, *, status: int, body: bytes | None) -> None:
    """Keep the answer for a key; ``None`` for one that nobody may read again."""
    values = {"owner": key.principal, "name": key.key, "status": status, "body": body}
    connection.execute(_SETTLE, values)


def _replay(request_hash: str, status: int, body: bytes | None, key: Key) -> Replay:
    if request_hash != key.request_hash:
        raise IdempotencyError(
            "This idempotency key came before with another request.",
            hint="Use a new key for each thing that you want done.",
        )
    if body is None:
        raise ConflictError(
            "This was done before, and the secret in its answer is shown once.",
            hint="If that answer is lost, delete what was made and make another.",
        )
    return Replay(status, body)
