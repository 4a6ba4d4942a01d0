"""Which of the keyrings of this machine can be trusted with a key."""

from __future__ import annotations

from typing import Protocol, cast


class KeyringBackend(Protocol):
    """A keyring, as the keyring library has them."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return an entry."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Make or replace an entry."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Remove an entry."""
        ...


class NoUsableKeyring(Exception):  # noqa: N818 - it never leaves this package
    """No keyring can be used; the text says why."""


def find_backend() -> KeyringBackend:
    """Return the keyring that the user has chosen or the best that this machine has.

    Raises:
        NoUsableKeyring: When it would not keep a key safely, or would ask on the terminal.
    """
    import keyring

    return select_backend(cast("KeyringBackend", keyring.get_keyring()))


def select_backend(backend: KeyringBackend) -> KeyringBackend:
    """Return a backend that can be used without asking anybody: this one, or one of its chain.

    Raises:
        NoUsableKeyring: When there is none.
    """
    # A chain asks one backend after the other, and one of them may be unsafe or ask on the
    # terminal. It writes to the first anyway.
    chain: list[KeyringBackend] = getattr(backend, "backends", [backend])
    reasons = [why_not_usable(each) for each in chain]
    for each, reason in zip(chain, reasons, strict=True):
        if reason is None:
            return each
    raise NoUsableKeyring(next(filter(None, reasons), "there is none"))


def why_not_usable(backend: KeyringBackend) -> str | None:
    """Return what is against using a backend without a word; ``None`` when nothing is."""
    from keyring.backends import fail, null

    if isinstance(backend, (fail.Keyring, null.Keyring)):
        return "there is none"
    if is_plain_text(backend):
        return "the only one does not encrypt"
    if would_prompt(backend):
        return "the only one asks for a password on the terminal"
    return None


def is_plain_text(backend: KeyringBackend) -> bool:
    """Tell whether a backend is known to keep entries unencrypted."""
    return any(each.__name__ == "PlaintextKeyring" for each in type(backend).__mro__)


def would_prompt(backend: KeyringBackend) -> bool:
    """Tell whether a backend would ask for its master password on the terminal.

    Those that keep a file of their own take it from an attribute, or ask when that is not set.
    """
    has_password = "keyring_key" in getattr(backend, "__dict__", {})
    return hasattr(type(backend), "keyring_key") and not has_password


def backend_name(backend: KeyringBackend) -> str:
    """Return how a backend calls itself."""
    name = getattr(type(backend), "name", None)
    return name if isinstance(name, str) else type(backend).__name__
