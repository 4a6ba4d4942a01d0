"""What the whole server shares: opened once at its start, closed at its end."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field

from dagy_server.accounts.passwords import Passwords
from dagy_server.artifact_storage.opening import open_storage
from dagy_server.artifact_storage.storage import ArtifactStorage
from dagy_server.clock import Clock, system_clock
from dagy_server.database.engine import Database
from dagy_server.database.versions import prepare_database
from dagy_server.directory import DataDirectory
from dagy_server.external_issuer import ExternalTokens
from dagy_server.idempotency import InFlight
from dagy_server.line_signals import LineSignals
from dagy_server.rate_limits import RateLimits
from dagy_server.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts of a running server.

    Attributes:
        secret: Of which API keys are hashed.
        stopping: Set when the server is about to stop: streams end then.
        work_changed: Set when there may be something new for workers to do, or room for it.
        threads: Those that work with all this until `stopping` is set.
    """

    settings: Settings
    directory: DataDirectory
    database: Database
    artifacts: ArtifactStorage
    secret: bytes = field(repr=False)
    rate_limits: RateLimits
    line_signals: LineSignals = field(default_factory=LineSignals)
    external_tokens: ExternalTokens | None = None
    in_flight: InFlight = field(default_factory=InFlight)
    passwords: Passwords = field(default_factory=Passwords)
    clock: Clock = system_clock
    stopping: threading.Event = field(default_factory=threading.Event)
    work_changed: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def close(self) -> None:
        """Let go of the database and the directory; a second time changes nothing."""
        self.stopping.set()
        self.work_changed.set()  # who waits for it is to stop, too
        for thread in self.threads:
            thread.join()
        self.rate_limits.close()
        self.database.close()
        self.directory.close()


def open_services(settings: Settings, *, clock: Clock = system_clock) -> Services:
    """Take the directory and open the database, which is brought up to date.

    Raises:
        ConfigError: When a setting cannot be used.
        ConflictError: When another server uses the directory.
        StoreError: When the directory or the database cannot be used.
    """
    trusted = settings.external_issuer
    external_tokens = None if trusted is None else ExternalTokens(trusted)
    with ExitStack() as undo:  # what was opened, should the rest fail
        directory = DataDirectory(settings.data_directory)
        undo.callback(directory.close)
        secret = settings.secret.encode() if settings.secret else directory.secret()
        database = Database(settings.database, busy_timeout_seconds=settings.busy_timeout_seconds)
        undo.callback(database.engine.dispose)
        prepare_database(database)
        artifacts = open_storage(settings.artifacts, scratch=settings.data_directory / "uploads")
        rate_limits = RateLimits(
            settings.data_directory / "rate-limits.db",
            per_minute=settings.requests_per_minute,
            burst=settings.request_burst,
            clock=clock,
        )
        undo.pop_all()
    return Services(
        settings=settings,
        directory=directory,
        database=database,
        artifacts=artifacts,
        secret=secret,
        rate_limits=rate_limits,
        external_tokens=external_tokens,
        clock=clock,
    )
