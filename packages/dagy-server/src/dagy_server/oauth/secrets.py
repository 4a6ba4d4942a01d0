"""Tokens and codes that nobody can guess, and what is kept of them.

A secret is random and long, so a plain SHA-256 of it is all that is needed: there is no list of
likely ones to try, as there is of passwords.
"""

from __future__ import annotations

import hashlib
import secrets

ACCESS_TOKEN = "dagy_at_"  # noqa: S105 - how they begin, so that scanners find leaked ones
REFRESH_TOKEN = "dagy_rt_"  # noqa: S105
AUTHORIZATION_CODE = "dagy_ac_"
DEVICE_CODE = "dagy_dc_"
SESSION = "dagy_bs_"
INVITATION = "dagy_in_"
WORKER = "dagy_wk_"


def new_secret(prefix: str) -> str:
    """Return a secret of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """Return what is kept of a secret, and what it is found by."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
