"""What the fake provider has granted: codes, tokens, device codes."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dagy_auth.testing._exchange import Refusal


@dataclass(kw_only=True)
class Grant:
    """One login and the tokens that it gave; no refresh token for a program's own."""

    client_id: str
    scopes: str
    nonce: str | None = None
    redirect_uri: str = ""
    challenge: str = ""
    is_renewable: bool = True
    refresh_token: str = ""
    spent_refresh_tokens: set[str] = field(default_factory=set)
    access_tokens: dict[str, float] = field(default_factory=dict)
    is_revoked: bool = False


class Grants:
    """All that was granted, by the clock that is given."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._grants: list[Grant] = []
        self._codes: dict[str, Grant] = {}
        self._devices: dict[str, Grant] = {}
        self.rotates = True
        self.secrets: list[str] = []
        """All that must never be seen: each code and token that was ever given out."""

    def secret(self, prefix: str) -> str:
        """Return a new text that nobody can guess."""
        text = prefix + secrets.token_urlsafe(24)
        self.secrets.append(text)
        return text

    def authorize(self, grant: Grant) -> str:
        """Return the code of a grant that its user has approved."""
        with self._lock:
            code = self.secret("code_")
            self._codes[code] = grant
            return code

    def exchange(self, code: str, *, redirect_uri: str, verifier: str) -> Grant:
        """Return the grant of a code, which no second request can use."""
        with self._lock:
            grant = self._codes.pop(code, None)
        if grant is None or grant.redirect_uri != redirect_uri:
            raise Refusal("invalid_grant", "The code is unknown or used, or for another redirect.")
        digest = hashlib.sha256(verifier.encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != grant.challenge:
            raise Refusal("invalid_grant", "The code verifier does not match the challenge.")
        return self._start(grant)

    def authorize_device(self, grant: Grant) -> str:
        """Return the device code of a grant; it is good once it is polled for."""
        with self._lock:
            code = self.secret("device_")
            self._devices[code] = grant
            return code

    def exchange_device(self, code: str) -> Grant:
        """Return the grant of a device code, which no second request can use."""
        with self._lock:
            grant = self._devices.pop(code, None)
        if grant is None:
            raise Refusal("invalid_grant", "The device code is unknown or used.")
        return self._start(grant)

    def start(self, grant: Grant) -> Grant:
        """Return a grant that needs no code."""
        return self._start(grant)

    def _start(self, grant: Grant) -> Grant:
        with self._lock:
            self._grants.append(grant)
            if grant.is_renewable:
                grant.refresh_token = self.secret("dagy_rt_")
        return grant

    def renew(self, refresh_token: str) -> Grant:
        """Return the grant of a refresh token; a spent one revokes all that came from it."""
        with self._lock:
            for grant in self._grants:
                if refresh_token in grant.spent_refresh_tokens:
                    self._end(grant)
                elif refresh_token == grant.refresh_token and not grant.is_revoked:
                    if self.rotates:
                        grant.spent_refresh_tokens.add(refresh_token)
                        grant.refresh_token = self.secret("dagy_rt_")
                    return grant
        raise Refusal("invalid_grant", "The refresh token is revoked, spent or unknown.")

    def access_token(self, grant: Grant, *, lifetime_seconds: float, claims: object) -> str:
        """Return a new access token; one that is a JWT when there are claims."""
        with self._lock:
            token = self.secret("dagy_at_") if claims is None else self._jwt(claims)
            grant.access_tokens[token] = self._clock() + lifetime_seconds
        return token

    def jwt(self, claims: object) -> str:
        """Return a token that says this, with a signature that nobody can check."""
        return self._jwt(claims)

    def _jwt(self, claims: object) -> str:
        parts = (json.dumps({"alg": "RS256", "typ": "JWT"}), json.dumps(claims))
        encoded = (base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
        token = ".".join((*encoded, secrets.token_urlsafe(32)))
        self.secrets.append(token)
        return token

    def holder(self, access_token: str | None) -> Grant | None:
        """Return the grant of an access token that is good now."""
        with self._lock:
            for grant in self._grants:
                expires_at = grant.access_tokens.get(access_token or "", 0.0)
                if expires_at > self._clock() and not grant.is_revoked:
                    return grant
        return None

    def expire(self) -> None:
        """End all access tokens; refresh tokens stay good."""
        with self._lock:
            for grant in self._grants:
                grant.access_tokens = dict.fromkeys(grant.access_tokens, 0.0)

    def revoke(self, token: str) -> None:
        """End a token: a refresh token with all that came from it, an access token alone."""
        with self._lock:
            for grant in self._grants:
                if token == grant.refresh_token or token in grant.spent_refresh_tokens:
                    self._end(grant)
                grant.access_tokens.pop(token, None)

    def revoke_all(self) -> None:
        """End everything, as when an account is closed."""
        with self._lock:
            for grant in self._grants:
                self._end(grant)

    def _end(self, grant: Grant) -> None:
        grant.is_revoked = True
        grant.access_tokens.clear()
