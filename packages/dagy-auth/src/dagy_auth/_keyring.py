"""The keyring of this machine: it may hang, refuse or lie, and is then left alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

from dagy_auth._keyring_backend import (
    KeyringBackend,
    NoUsableKeyring,
    backend_name,
    find_backend,
    is_plain_text,
    would_prompt,
)
from dagy_auth._secret import Secret
from dagy_auth._time_limit import TimeLimitExceeded, call_within
from dagy_types.errors import CredentialStoreError

T = TypeVar("T")

_HINT = "Start or unlock a keyring and try again, or store the tokens in a file."
_REASONS = {"NoKeyringError": "there is none", "KeyringLocked": "it is locked"}


class Keyring:
    """Entries of one service, each a short secret.

    Each method is one call of at most the time limit. Once that was exceeded, this object does not
    try again: all further calls fail at once.

    Args:
        backend: A chosen keyring in place of the one that is found; it may be one that does not
            encrypt.
    """

    def __init__(
        self, service: str, *, time_limit_seconds: float, backend: KeyringBackend | None
    ) -> None:
        self._service = service
        self._time_limit_seconds = time_limit_seconds
        self._chosen = backend
        self._backend: KeyringBackend | None = None
        self._has_hung = False

    @property
    def description(self) -> str:
        """How people call it, with its kind once that is known."""
        backend = self._backend or self._chosen
        return f"the keyring ({backend_name(backend)})" if backend is not None else "the keyring"

    @property
    def is_encrypted(self) -> bool:
        """Whether entries are encrypted: one that was not chosen is found only if they are."""
        return self._chosen is None or not is_plain_text(self._chosen)

    def probe(self) -> None:
        """Make, read and remove an entry."""
        entry, marker = f"probe-{secrets.token_hex(8)}", secrets.token_hex(8)

        def write_read_remove(backend: KeyringBackend) -> None:
            self._write(backend, entry, Secret(marker))
            backend.delete_password(self._service, entry)

        self._call(write_read_remove)

    def read(self, entry: str) -> Secret | None:
        """Return an entry."""
        return self._call(lambda backend: self._read(backend, entry))

    def write(self, entry: str, secret: Secret) -> None:
        """Make or replace an entry, and make sure that it is there."""
        self._call(lambda backend: self._write(backend, entry, secret))

    def remove(self, entry: str) -> None:
        """Make sure that an entry is gone."""

        def remove(backend: KeyringBackend) -> None:
            try:
                backend.delete_password(self._service, entry)
            except Exception:
                if self._read(backend, entry) is not None:
                    raise

        self._call(remove)

    def _read(self, backend: KeyringBackend, entry: str) -> Secret | None:
        found = backend.get_password(self._service, entry)
        return Secret(found) if isinstance(found, str) else None

    def _write(self, backend: KeyringBackend, entry: str, secret: Secret) -> None:
        backend.set_password(self._service, entry, secret.reveal())
        if self._read(backend, entry) != secret:
            raise NoUsableKeyring("it does not give back what it was given")

    def _call(self, action: Callable[[KeyringBackend], T]) -> T:
        if self._has_hung:
            raise self._hung()
        try:
            return call_within(
                self._time_limit_seconds, lambda: action(self._found()), thread_name="keyring"
            )
        except TimeLimitExceeded:
            self._has_hung = True
            raise self._hung() from None
        except NoUsableKeyring as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - a plug-in of somebody else may raise anything
            # Its text may show what the plug-in was given.
            kind = type(error).__name__
            reason = _REASONS.get(kind, f"it failed with {kind}")
        raise CredentialStoreError(f"T{self.description[1:]} cannot be used: {reason}.", hint=_HINT)

    def _found(self) -> KeyringBackend:
        if self._backend is None:
            if self._chosen is not None and would_prompt(self._chosen):
                raise NoUsableKeyring("it asks for a password on the terminal")
            self._backend = self._chosen or find_backend()
        return self._backend

    def _hung(self) -> CredentialStoreError:
        return CredentialStoreError(
            f"T{self.description[1:]} did not answer within {self._time_limit_seconds:g} s.",
            hint=_HINT,
        )
