"""Proof that whoever redeems a code is whoever asked for it (RFC 7636): S256, and nothing less."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(text: str) -> bool:
    """Tell whether a text can be the S256 challenge of a verifier."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str, *, challenge: str) -> bool:
    """Tell whether a verifier is the one that a challenge was made of."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, challenge.encode())
