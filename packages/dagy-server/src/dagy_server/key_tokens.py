"""API keys as text: random, recognisable when they leak, kept as a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib

PREFIX = "dagy_sk_"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARACTERS = 43  # of 62 each: 256 bits
_CHECK_CHARACTERS = 6
_SHOWN_CHARACTERS = len(PREFIX) + 8


def new_key() -> str:
    """Return a key: a prefix, 256 random bits, and a checksum by which scanners know it."""
    body = PREFIX + _base62(secrets.randbits(256), _SECRET_CHARACTERS)
    return body + _checksum(body)


def is_whole(key: str) -> bool:
    """Tell whether a key is as it was made, by its checksum; mistyped ones cost no look-up."""
    body, check = key[:-_CHECK_CHARACTERS], key[-_CHECK_CHARACTERS:]
    has_length = len(key) == len(PREFIX) + _SECRET_CHARACTERS + _CHECK_CHARACTERS
    return has_length and key.startswith(PREFIX) and key.isascii() and check == _checksum(body)


def shown_prefix(key: str) -> str:
    """Return the part of a key that is kept as it is, to tell it from others."""
    return key[:_SHOWN_CHARACTERS]


def key_hash(key: str, secret: bytes) -> str:
    """Return what is kept of a key: of no use to who reads the database without the secret."""
    return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_CHARACTERS)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
