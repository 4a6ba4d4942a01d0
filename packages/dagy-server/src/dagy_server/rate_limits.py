"""How many requests one sender may make: token buckets in a file.

A file, so that neither a restart nor a second process gives anybody more. It is apart from the
database and never waits for the disk: what a power cut takes from it is nobody's loss.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from dagy_server.clock import MINUTE, SECOND, Clock


class Rate(Enum):
    """A kind of request, as far as its rate is concerned."""

    NONE = "none"  # not limited
    GENERAL = "general"
    TOKEN = "token"  # noqa: S105 - what OAuth clients ask for
    LOGIN = "login"  # what people guess at


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket's size, and how many tokens a minute flow into it."""

    per_minute: int
    burst: int


STRICT = {Rate.TOKEN: Bucket(60, 60), Rate.LOGIN: Bucket(10, 10)}
"""Per address; nobody is locked out by what comes from elsewhere."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one request.

    Attributes:
        retry_after_seconds: 0 when it may go on.
    """

    limit: int
    remaining: int
    retry_after_seconds: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The published headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
        }


def take_one(tokens: float, elapsed: int, bucket: Bucket) -> tuple[float, Taken]:
    """Take a token out of a bucket, if there is one.

    Args:
        tokens: That were in it at the last time.
        elapsed: Microseconds since then.
    """
    per_microsecond = bucket.per_minute / MINUTE
    tokens = min(float(bucket.burst), tokens + max(0, elapsed) * per_microsecond)
    if tokens < 1:
        wait = (1 - tokens) / per_microsecond
        return tokens, Taken(bucket.per_minute, 0, max(1, -int(-wait // SECOND)))
    tokens -= 1
    return tokens, Taken(bucket.per_minute, min(int(tokens), bucket.per_minute))


def address_name(host: str | None) -> str:
    """Return what stands for an address: in IPv6 the network, of which one sender has all."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return "address:unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return f"address:{address.ipv4_mapped}"
        return f"address:{IPv6Address(int(address) >> 64 << 64)}/64"
    return f"address:{address}"


_CREATE = """
CREATE TABLE IF NOT EXISTS buckets (
    name   TEXT PRIMARY KEY,
    tokens REAL NOT NULL,     -- at that time
    at     INTEGER NOT NULL   -- microseconds since 1970
) WITHOUT ROWID
"""
_FIND = "SELECT tokens, at FROM buckets WHERE name = ?"
_KEEP = "INSERT OR REPLACE INTO buckets (name, tokens, at) VALUES (?, ?, ?)"
_FORGET = "DELETE FROM buckets WHERE at < ?"
_FORGET_EVERY = 1_000
_PATIENCE_SECONDS = 1.0


class RateLimits:
    """The buckets of all senders, shared by all processes that name the same file."""

    def __init__(self, path: Path, *, per_minute: int, burst: int, clock: Clock) -> None:
        self._buckets = {Rate.GENERAL: Bucket(per_minute, burst), **STRICT}
        self._clock = clock
        self._lock = threading.Lock()
        self._count = 0
        self._path = path
        self._connection = _open(path)

    def take(self, sender: str, rate: Rate = Rate.GENERAL) -> Taken:
        """Count one request of a sender; `Taken.retry_after_seconds` says whether it may go on."""
        bucket = self._buckets[rate]
        name = f"{rate.value} {sender}"
        with self._lock:
            try:
                return self._take(name, bucket)
            except sqlite3.DatabaseError:
                # A limit that cannot be kept is no reason to serve nobody: begin anew.
                self._connection.close()
                self._connection = _open_new(self._path)
                return self._take(name, bucket)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _take(self, name: str, bucket: Bucket) -> Taken:
        now = self._clock()
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            found = execute(_FIND, (name,)).fetchone()
            tokens, at = found or (float(bucket.burst), now)
            tokens, taken = take_one(tokens, now - at, bucket)
            execute(_KEEP, (name, tokens, max(now, at)))
            self._count += 1
            if self._count % _FORGET_EVERY == 0:
                execute(_FORGET, (now - self._fill_time(),))
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")
        return taken

    def _fill_time(self) -> int:
        return max(MINUTE * each.burst // each.per_minute for each in self._buckets.values())


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError:
        return _open_new(path)


def _open_new(path: Path) -> sqlite3.Connection:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink(missing_ok=True)
    return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE_SECONDS
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(_CREATE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
