"""Secrets that come from outside: a stream, a variable, a file."""

from __future__ import annotations

from typing import BinaryIO

from dagy_auth._secret import Secret
from dagy_types.errors import ConfigError

_LARGEST_BYTES = 65_536


def read_secret(stream: BinaryIO, *, description: str = "the standard input") -> Secret:
    """Read a secret from a buffered stream of bytes to its end, less one newline there.

    Args:
        description: What errors call the stream.

    Raises:
        ConfigError: When there is nothing, more than 64 KiB, or a character that no token has.
    """
    return checked_secret(
        Secret(stream.read(_LARGEST_BYTES + 3).decode("latin-1")), description=description
    )


def checked_secret(secret: Secret, *, description: str) -> Secret:
    """Return a secret less one newline at its end.

    Raises:
        ConfigError: When it is empty, too long, or has a character that no token has.
    """
    secret = Secret(secret.reveal().removesuffix("\n").removesuffix("\r"))
    fault = _fault(secret)
    if fault is not None:
        raise ConfigError(
            f"No token can be read from {description}: {fault}.",
            hint="Give it the token alone, on one line.",
        )
    return secret


def _fault(secret: Secret) -> str | None:
    text = secret.reveal()
    if not text.strip():
        return "it is empty"
    if text != text.strip():
        return "it begins or ends with white space"
    if len(text) > _LARGEST_BYTES:
        return f"it is longer than {_LARGEST_BYTES // 1024} KiB"
    if not (text.isascii() and text.isprintable()):
        return "it contains a character that no token has"
    return None
