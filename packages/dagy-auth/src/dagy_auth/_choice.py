"""Which store a login goes to, and which one has it later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from dagy_auth._credential_store import CredentialStore
from dagy_auth._file_store import FileStore
from dagy_auth._keyring_backend import KeyringBackend
from dagy_auth._keyring_store import KeyringStore
from dagy_types.errors import ConfigError, CredentialStoreError

FILE_NAME = "credentials.json"

Storage = Literal["auto", "keyring", "file"]


class CredentialStores:
    """The keyring and the file that an application keeps its logins in, as far as it may.

    Making one touches nothing. Where a login is, the files tell: no keyring is called for that, and
    none is even imported where ``storage`` is "file".

    Args:
        directory: Where the files are, or will be.
        storage: "auto" takes the keyring when that works, otherwise a file.
        require_encrypted: Never use a store that does not encrypt.
        service: How the keyring calls the application.
        time_limit_seconds, backend: As for `KeyringStore`.

    Raises:
        ConfigError: When the settings contradict each other.
    """

    def __init__(
        self,
        directory: Path,
        *,
        storage: Storage = "auto",
        require_encrypted: bool = False,
        service: str = "dagy-auth",
        time_limit_seconds: float = 3.0,
        backend: KeyringBackend | None = None,
    ) -> None:
        if storage not in ("auto", "keyring", "file"):
            raise ConfigError(
                f"There is no storage {storage!r} for tokens.", hint="Use auto, keyring or file."
            )
        keyring = KeyringStore(
            service, directory=directory, time_limit_seconds=time_limit_seconds, backend=backend
        )
        file = FileStore(directory / FILE_NAME)
        by_storage: dict[str, list[CredentialStore]] = {
            "auto": [keyring, file],
            "keyring": [keyring],
            "file": [file],
        }
        self._file = file
        self._every = (keyring, file)
        self._stores = [
            store for store in by_storage[storage] if store.is_encrypted or not require_encrypted
        ]
        if not self._stores:
            raise ConfigError(
                "Tokens are to be stored encrypted, and the chosen storage does not encrypt.",
                hint="Choose the keyring, or do not require encryption.",
            )

    def __iter__(self) -> Iterator[CredentialStore]:
        """Return those that may be used, the preferred one first."""
        return iter(self._stores)

    def for_login(self, *, on_fallback: Callable[[str], None] | None = None) -> CredentialStore:
        """Return the first that works, for a new login.

        Args:
            on_fallback: Told in one sentence why the keyring is not taken.

        Raises:
            CredentialStoreError: When none works, or one is damaged. Nothing was written then.
        """
        for store in self._stores:
            store.names()  # what is damaged would be met after the login
        *preferred, last = self._stores
        for store in preferred:
            try:
                store.probe()
            except CredentialStoreError as error:
                if on_fallback is not None:
                    on_fallback(error.message)
            else:
                return store
        last.probe()
        return last

    def for_name(self, name: str) -> CredentialStore:
        """Return the one that has this name, or the preferred one when none has it.

        Raises:
            CredentialStoreError: When only a file has it, and that may not be used.
        """
        for store in self._stores:
            if name in store.names():
                return store
        if self._file not in self._stores and name in self._file.names():
            raise CredentialStoreError(
                f"The tokens of {name!r} are in {self._file.location}, which is not encrypted.",
                hint="Log in again to store them in the keyring, or allow file storage.",
            )
        return self._stores[0]

    def keep_only(self, store: CredentialStore, name: str) -> None:
        """Delete what has this name elsewhere, after a login that went to this store.

        That is also where a login may not go by now: what is there from before would be found
        first when it may again.
        """
        for other in self._every:
            if other is not store:
                # What cannot be deleted is found after this one, or opens nothing any more.
                with suppress(CredentialStoreError):
                    other.delete(name)


def choose_store(
    directory: Path,
    *,
    storage: Storage = "auto",
    require_encrypted: bool = False,
    service: str = "dagy-auth",
    on_fallback: Callable[[str], None] | None = None,
) -> CredentialStore:
    """Return the store for a new login: in short what `CredentialStores` does for one."""
    stores = CredentialStores(
        directory, storage=storage, require_encrypted=require_encrypted, service=service
    )
    return stores.for_login(on_fallback=on_fallback)
