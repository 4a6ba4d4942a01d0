"""What can be changed about the fake provider, at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True, eq=False, repr=False)
class Switches:
    """How the provider behaves; by default, well.

    In all ``…_changes``, a value replaces or adds what has that name, and ``None`` removes it.

    Attributes:
        email, subject, org_id, role: Who logs in.
        expires_in: How long access tokens are good, in seconds.
        clock_offset_seconds: How far the provider's clock is ahead of this machine's.
        gives_jwts: Access tokens are JWTs instead of opaque.
        rotates: Each refresh token is good once; the second use revokes all that came from it.
        denies: The user refuses.
        accepts_basic: Client secrets are accepted in the Authorization header, too.
        metadata_kinds: Of ``oauth`` (RFC 8414) and ``openid``, what is published.
        metadata_changes: Of the published document.
        token_changes: Of each answer that has tokens.
        device_changes: Of the answer that has the codes of a device login.
        callback_changes: Of what the browser brings back, such as ``state``, ``iss`` or ``code``.
        device_answers: Errors that polls are answered with, one by one, then come the tokens.
        device_interval: The seconds between polls that are asked for.
        can_revoke: Whether tokens can be revoked.
    """

    email: str = "user@example.com"
    subject: str = "user-1"
    org_id: str = "org-1"
    role: str = "developer"
    expires_in: float = 3600.0
    clock_offset_seconds: float = 0.0
    gives_jwts: bool = False
    rotates: bool = True
    denies: bool = False
    accepts_basic: bool = True
    metadata_kinds: Sequence[str] = ("oauth", "openid")
    metadata_changes: Mapping[str, Any] = field(default_factory=dict)
    token_changes: Mapping[str, Any] = field(default_factory=dict)
    device_changes: Mapping[str, Any] = field(default_factory=dict)
    callback_changes: Mapping[str, str | None] = field(default_factory=dict)
    device_answers: Sequence[str] = ()
    device_interval: float = 0.01
    can_revoke: bool = True


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with these changes."""
    return {name: value for name, value in {**document, **changes}.items() if value is not None}
