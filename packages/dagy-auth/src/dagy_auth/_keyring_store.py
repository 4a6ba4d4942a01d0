"""Token sets that only the keyring opens."""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from dagy_auth._document import from_document, to_document
from dagy_auth._envelope import new_key, seal, unseal
from dagy_auth._keyring import Keyring
from dagy_auth._keyring_backend import KeyringBackend
from dagy_auth._record_file import RecordFile, digest
from dagy_auth._secret import Secret
from dagy_auth._token_set import TokenSet
from dagy_types.errors import CredentialStoreError

SEALED_FILE_NAME = "credentials.sealed.json"


class KeyringStore:
    """Keeps a random key for each name in the keyring, and what it opens in a file.

    So token sets may be of any size; to renew them writes a file and not the keyring; a name that
    is not in the file costs no call of the keyring, and one that is costs one. The file is written
    after its key and removed before it: a crash leaves at most a key that opens nothing.

    Args:
        service: How the keyring calls the application.
        directory: Where the sealed file is; made with mode 700 when it is absent.
        time_limit_seconds: How long a call of the keyring may take. After one that takes longer,
            this store does not call it again.
        lock_time_limit_seconds: How long `lock` waits for somebody who renews the same tokens.
        backend: A keyring of your choice, in place of the one that is found. One that does not
            encrypt, or that asks for a password on the terminal, is never found.
    """

    def __init__(
        self,
        service: str,
        *,
        directory: Path,
        time_limit_seconds: float = 3.0,
        lock_time_limit_seconds: float = 30.0,
        backend: KeyringBackend | None = None,
    ) -> None:
        self._keyring = Keyring(service, time_limit_seconds=time_limit_seconds, backend=backend)
        self._file = RecordFile(
            directory / SEALED_FILE_NAME, lock_time_limit_seconds=lock_time_limit_seconds
        )
        self._keys: dict[str, Secret] = {}
        self._is_probed = False

    @property
    def location(self) -> str:
        """The keyring, with its kind once that is known."""
        return self._keyring.description

    @property
    def is_encrypted(self) -> bool:
        """True, unless a keyring was chosen that does not encrypt."""
        return self._keyring.is_encrypted

    def probe(self) -> None:
        """Find out whether the keyring keeps an entry, and whether the file can be written."""
        if not self._is_probed:
            self._keyring.probe()
            self._file.probe()
            self._is_probed = True

    def load(self, name: str) -> TokenSet | None:
        """Return what is stored under this name."""
        record = self._file.read().get(name)
        if record is None:
            return None
        place = self._file.place_of(name)
        sealed = _parsed(record)
        if sealed is None:
            raise CredentialStoreError(f"{place} is damaged.", hint="Log in again.")
        document = self._opened(sealed)
        if document is None:
            raise CredentialStoreError(
                f"{place} cannot be opened: {self.location} has no key for it.",
                hint="Log in again.",
            )
        return from_document(document, place=place)

    def save(self, name: str, tokens: TokenSet) -> None:
        """Store under this name; a crash in the middle leaves what was there before."""
        with self._file.edited() as records:
            sealed = _parsed(records[name]) if name in records else None
            entry = sealed.entry if sealed else self._new_entry(name)
            if sealed is None or self._opened(sealed) is None:
                self._make_key(entry)
            text = seal(to_document(tokens), key=self._keys[entry])
            records[name] = Secret(json.dumps({"key": entry, "sealed": text}))

    def delete(self, name: str) -> bool:
        """Remove all traces of what is stored under this name; tell whether there was any.

        Raises:
            CredentialStoreError: When the keyring does not let go of the key. The tokens are gone
                even then.
        """
        record = self._file.pop(name)
        if record is None:
            return False
        sealed = _parsed(record)
        entry = sealed.entry if sealed else self._new_entry(name)
        self._keys.pop(entry, None)
        try:
            self._keyring.remove(entry)
        except CredentialStoreError as error:
            raise CredentialStoreError(
                f"The tokens of {name!r} are deleted, but not their key. {error.message}",
                hint=f"You can remove the entry {entry} there yourself; it opens nothing any more.",
            ) from None
        return True

    def names(self) -> list[str]:
        """Return all names, sorted; the keyring is not called."""
        return sorted(self._file.read())

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold, against threads and processes, the right to renew what has this name."""
        return self._file.lock(name)

    def _opened(self, sealed: _Sealed) -> Secret | None:
        """Return the document, and know its key from then on; ``None`` when there is no key."""
        known = self._keys.get(sealed.entry)
        document = known and unseal(sealed.text, key=known)
        if document is None:  # another process may have logged out and in again meanwhile
            key = self._keyring.read(sealed.entry)
            document = key and unseal(sealed.text, key=key)
            if key is not None and document is not None:
                self._keys[sealed.entry] = key
        return document

    def _make_key(self, entry: str) -> None:
        key = new_key()
        self._keyring.write(entry, key)
        self._keys[entry] = key

    def _new_entry(self, name: str) -> str:
        """Return where the key is kept: readable, and different for each directory and name.

        It is the same every time, so that a key that a crash has left is replaced.
        """
        readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:20]
        unique = digest(f"{self._file.path.parent.resolve()}\0{name}")
        return f"{readable}-{unique}".lstrip("-")


@dataclass(frozen=True, slots=True)
class _Sealed:
    entry: str
    text: str


def _parsed(record: Secret) -> _Sealed | None:
    document = json.loads(record.reveal())
    entry, text = document.get("key"), document.get("sealed")
    if not isinstance(entry, str) or not isinstance(text, str):
        return None
    return _Sealed(entry, text)
