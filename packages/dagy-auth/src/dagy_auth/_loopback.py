"""Waits on this machine, during one login, for the browser to come back."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Collection
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType

from dagy_auth._callback import Callback, Refused, read_query, read_request
from dagy_auth._notices import Notice, Notify
from dagy_auth._page import page
from dagy_auth._secret import Secret
from dagy_types.errors import AuthError

_PATH = "/callback"
_MAX_HEAD = 16_384
_MAX_CONNECTIONS = 64


class NoCallbackError(AuthError):
    """The browser did not come back, or cannot: a login on another device may still work."""

    code = "no_callback"


class LoopbackReceiver:
    """Takes one callback, the one that has the state of its login; refuses all else.

    It listens at a port that the system chooses, on 127.0.0.1 and on ::1 as far as this machine has
    them, between entering and leaving the context.

    Args:
        state: What the callback must bring back.
        expects: Of these parameters, it has at least one.
        connection_seconds: How long a connection may take to say what it wants.
    """

    def __init__(
        self, *, state: Secret, expects: Collection[str], connection_seconds: float = 5.0
    ) -> None:
        self._state = state
        self._expects = expects
        self._connection_seconds = connection_seconds
        self._lock = threading.Lock()
        self._is_taken = False
        self._events: SimpleQueue[Callback | Notice | Exception] = SimpleQueue()
        self._listeners: list[socket.socket] = []
        self._connections: dict[socket.socket, threading.Thread] = {}
        self.is_closed = threading.Event()

    def __enter__(self) -> LoopbackReceiver:
        self._listeners = _listen()
        self._hosts = [_authority(listener) for listener in self._listeners]
        self._bell, self._doorstep = socket.socketpair()
        self._porter = threading.Thread(
            target=self._accept_all, name="dagy-auth-callback", daemon=True
        )
        self._porter.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.is_closed.set()
        self._bell.close()
        self._porter.join()
        self._doorstep.close()
        for listener in self._listeners:
            listener.close()
        with self._lock:
            connections = dict(self._connections)
        for connection, thread in connections.items():
            with suppress(OSError):  # when it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    @property
    def redirect_uri(self) -> str:
        """Where the browser is to come back to."""
        return f"http://{self._hosts[0]}{_PATH}"

    def accept_url(self, text: str) -> bool:
        """Take a callback whose URL somebody has pasted; tell whether it is one."""
        query = text.strip().encode(errors="replace").decode().partition("#")[0].partition("?")[2]
        parameters = read_query(query)
        admitted = None if parameters is None else self._admit(Callback(parameters))
        if isinstance(admitted, Callback):
            self.post(admitted)
        return isinstance(admitted, Callback)

    def post(self, event: Callback | Notice | Exception) -> None:
        """Hand something to whoever waits, from any thread."""
        self._events.put(event)

    def wait(self, timeout_seconds: float, *, notify: Notify) -> Callback:
        """Return the callback once it is there, and pass on each notice until then.

        Raises:
            NoCallbackError: When it does not come in time.
            Exception: One that was posted.
        """
        deadline = monotonic() + timeout_seconds
        while True:
            try:
                event = self._events.get(timeout=max(deadline - monotonic(), 0.0))
            except Empty:
                raise NoCallbackError(
                    f"The browser did not come back within {timeout_seconds:.3g} s.",
                    hint="Try again, or log in with a code on another device.",
                ) from None
            if isinstance(event, Callback):
                return event
            if isinstance(event, Exception):
                raise event
            notify(event)

    def _accept_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (self._doorstep, *self._listeners):
                selector.register(each, selectors.EVENT_READ)
            while not self.is_closed.is_set():
                for key, _ in selector.select():
                    if key.fileobj is not self._doorstep:
                        assert isinstance(key.fileobj, socket.socket)
                        self._accept(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # it was gone before it was accepted
        thread = threading.Thread(
            target=self._serve, args=(connection,), name="dagy-auth-callback", daemon=True
        )
        with self._lock:
            is_welcome = len(self._connections) < _MAX_CONNECTIONS
            if is_welcome:
                self._connections[connection] = thread
        if is_welcome:
            thread.start()
        else:
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        outcome: Callback | Refused = Refused(400)
        with connection:
            try:
                outcome = self._judge(self._read_head(connection))
                status = 200 if isinstance(outcome, Callback) else outcome.status
                connection.sendall(page(status))
            except OSError:
                pass  # it is silent, slow or gone; what it has said holds
        with self._lock:
            del self._connections[connection]
        if isinstance(outcome, Callback):
            self.post(outcome)

    def _read_head(self, connection: socket.socket) -> bytes:
        deadline = monotonic() + self._connection_seconds
        head = b""
        while b"\r\n\r\n" not in head and len(head) <= _MAX_HEAD:
            connection.settimeout(max(deadline - monotonic(), 0.001))
            part = connection.recv(4096)
            if not part:
                raise ConnectionError("It has ended too early.")
            head += part
        return head

    def _judge(self, head: bytes) -> Callback | Refused:
        head, is_whole, _ = head.partition(b"\r\n\r\n")
        if not is_whole:
            return Refused(431)
        outcome = read_request(head, path=_PATH, hosts=self._hosts)
        return self._admit(outcome) if isinstance(outcome, Callback) else outcome

    def _admit(self, callback: Callback) -> Callback | Refused:
        if callback.secret("state") != self._state:
            return Refused(403)
        if not any(map(callback.text, self._expects)):
            return Refused(400)
        with self._lock:
            if self._is_taken:
                return Refused(409)
            self._is_taken = True
        return callback


def _listen() -> list[socket.socket]:
    first = _bound(socket.AF_INET, "127.0.0.1", port=0)
    port = 0 if first is None else first.getsockname()[1]
    second = _bound(socket.AF_INET6, "::1", port=port)
    listeners = [each for each in (first, second) if each is not None]
    if not listeners:
        raise NoCallbackError(
            "This machine has no loopback address that the browser could come back to.",
            hint="Log in with a code on another device.",
        )
    return listeners


def _bound(family: socket.AddressFamily, address: str, *, port: int) -> socket.socket | None:
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        listener.bind((address, port))
        listener.listen(_MAX_CONNECTIONS)
        listener.setblocking(False)
    except OSError:
        listener.close()
        return None
    return listener


def _authority(listener: socket.socket) -> str:
    address, port = listener.getsockname()[:2]
    return f"[{address}]:{port}" if listener.family == socket.AF_INET6 else f"{address}:{port}"
