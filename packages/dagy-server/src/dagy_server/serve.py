"""Run the server in this process, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address

import uvicorn
from fastapi import FastAPI

from dagy_server.accounts.first_owner import new_first_owner_code
from dagy_server.app import create_app
from dagy_server.execution.dispatcher import Dispatcher
from dagy_server.limits import HEADER_BYTES
from dagy_server.release import version
from dagy_server.services import Services
from dagy_server.settings import Settings
from dagy_types.errors import ConfigError, ConflictError

DRAIN_SECONDS = 8
"""How long requests may take to end after the server was told to stop."""

_BACKLOG = 512
_PRIVATE = 0o077


def serve(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; must be called in the main thread.

    Args:
        say: Tells people a line, such as where the server is.

    Raises:
        ConfigError: When a setting cannot be used.
        ConflictError: When the address or the directory is in use.
        StoreError: When the directory or the database cannot be used.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(_PRIVATE)  # nobody else on this machine reads what the server writes
    with listener(settings) as listening:
        settings = replace(settings, port=listening.getsockname()[1])
        app = create_app(settings)
        try:
            for line in greeting(app.state.services):
                say(line)
            dispatcher = Dispatcher(app.state.services)
            dispatcher.start()
            _leave_out_of_collections()
            asyncio.run(_Server(_config(app, settings), app.state.services).run_on(listening))
        finally:
            app.state.services.close()
        say("Stopped.")


def _leave_out_of_collections() -> None:
    # What is there by now stays until the end. To look through it for garbage, as a full
    # collection does, would hold up every request that is under way for a tenth of a second.
    gc.collect()
    gc.freeze()


@contextmanager
def listener(settings: Settings) -> Iterator[socket.socket]:
    """Listen where the settings say, unless other machines could reach it unasked.

    Raises:
        ConfigError: When the address is no address of this machine, or a public one.
        ConflictError: When another program listens there.
    """
    family, address = _address(settings)
    # Only of sockets that are said to be TCP, asyncio sends small parts at once (TCP_NODELAY);
    # otherwise each answer waits 40 ms for the acknowledgement of its head.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address, settings.port))
        except OSError as error:
            raise ConflictError(
                f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.",
                hint="Stop the program that does, or give another --port.",
            ) from error
        listening.listen(_BACKLOG)
        yield listening
    finally:
        listening.close()


def greeting(services: Services) -> Iterator[str]:
    """Yield what to tell whoever has started the server."""
    origin = services.settings.origin
    yield f"dagy-server {version()} is at {origin} (stop it with Ctrl-C)"
    yield f"What it keeps is in {services.settings.data_directory}"
    with services.database.writing() as connection:
        code = new_first_owner_code(connection, now=services.clock())
    if code is not None:
        yield f"Nobody has an account yet. Make yours at {origin}/setup with this code: {code}"


def _address(settings: Settings) -> tuple[socket.AddressFamily, str]:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConfigError(
            f"{settings.host!r} is no address of this machine.", hint="Give another --host."
        ) from None
    family, *_, place = found[0]
    address = str(place[0])
    if not ip_address(address.partition("%")[0]).is_loopback and not settings.allow_public:
        raise ConfigError(
            f"Other machines can reach {settings.host}, and this server speaks no TLS.",
            hint="Put a proxy with TLS before it, and say --allow-public; or leave out --host.",
        )
    return family, address


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


class _Server(uvicorn.Server):
    """Stops at the first signal when its requests have ended, and at the second at once."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    async def run_on(self, listening: socket.socket) -> None:
        """Serve on a socket that listens."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        await self.serve(sockets=[listening])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals as `run_on` has set them."""
        yield

    def _stop(self) -> None:
        self._services.stopping.set()  # so that streams end, which would never by themselves
        if self.should_exit:
            self.force_exit = True
            for connection in tuple(self.server_state.connections):
                transport = connection.transport
                if transport is not None:
                    transport.abort()
        self.should_exit = True
