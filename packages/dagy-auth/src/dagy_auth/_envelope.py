"""A text of any length, sealed with a key that is short enough for every keyring."""

from __future__ import annotations

from dagy_auth._secret import Secret


def new_key() -> Secret:
    """Return a random key: 44 letters, digits and signs."""
    from cryptography.fernet import Fernet

    return Secret(Fernet.generate_key().decode())


def seal(text: Secret, *, key: Secret) -> str:
    """Return what only the key opens."""
    from cryptography.fernet import Fernet

    return Fernet(key.reveal()).encrypt(text.reveal().encode()).decode()


def unseal(sealed: str, *, key: Secret) -> Secret | None:
    """Return the text; ``None`` when the key does not open it, or is none."""
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Secret(Fernet(key.reveal()).decrypt(sealed).decode())
    except (InvalidToken, ValueError):
        return None
