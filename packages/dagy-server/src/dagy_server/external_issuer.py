"""Trust in the tokens of one OpenID provider, which the operator of the server has named."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from dagy_server.json_fetching import fetch_json, require_fetchable
from dagy_server.settings import ExternalIssuer
from dagy_types.errors import AuthError, ConfigError, NetworkError

_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""Those with a public key, so that a token cannot be signed with what everybody knows."""

_SUBJECT = re.compile(r"[ -~]{1,255}")
"""As OpenID Connect Core §2 has it."""

_LEEWAY_SECONDS = 60
_KEYS_SECONDS = 600.0
_RETRY_SECONDS = 30.0
_LONGEST_TOKEN = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentity:
    """Whom a token of the provider is about.

    Attributes:
        issuer, subject: Together the name that never changes.
        email: Only when the provider has checked it.
    """

    issuer: str
    subject: str
    email: str | None
    name: str


class ExternalTokens:
    """Checks tokens by the keys that the provider publishes, which are kept for ten minutes.

    Args:
        trusted: The provider, and what its tokens for this server say.
        fetch: Gets a JSON document.
        clock: Counts seconds.
        now: Seconds since 1970.

    Raises:
        ConfigError: When a URL of the provider is not safe to use.
    """

    def __init__(
        self,
        trusted: ExternalIssuer,
        *,
        fetch: Callable[[str], Mapping[str, Any]] = fetch_json,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        for url in filter(None, (trusted.issuer, trusted.jwks_url)):
            require_fetchable(url)
        self._trusted = trusted
        self._fetch = fetch
        self._clock = clock
        self._now = now
        self._turn = threading.Lock()
        self._keys: KeySet | None = None
        self._asked_at = float("-inf")
        self._read_at = float("-inf")

    def identity(self, token: str) -> ExternalIdentity:
        """Return whom a token is about.

        Raises:
            AuthError: When it is not one of the provider's, not for this server, or over.
            NetworkError: When the provider does not give its keys.
        """
        if len(token) > _LONGEST_TOKEN:
            raise refused()
        try:
            claims = self._claims(token)
            self._registry().validate(claims)
        except (JoseError, ValueError, RecursionError):
            raise refused() from None
        return self._identity_in(claims)

    def _claims(self, token: str) -> dict[str, Any]:
        keys = self._known_keys()
        try:
            return jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
        except InvalidKeyIdError:
            # A new key, perhaps; whoever makes key ids up can't make us ask all the time.
            return jwt.decode(token, self._known_keys(after=keys), algorithms=_ALGORITHMS).claims

    def _registry(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._now()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self._trusted.issuer},
            aud={"essential": True, "value": self._trusted.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def _identity_in(self, claims: Mapping[str, Any]) -> ExternalIdentity:
        subject, email, name = claims.get("sub"), claims.get("email"), claims.get("name")
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise refused()
        is_checked = claims.get("email_verified") is True and isinstance(email, str)
        return ExternalIdentity(
            issuer=self._trusted.issuer,
            subject=subject,
            email=email if is_checked else None,
            name="".join(filter(str.isprintable, name[:200])) if isinstance(name, str) else "",
        )

    def _known_keys(self, *, after: KeySet | None = None) -> KeySet:
        with self._turn:
            age = self._clock() - self._read_at
            is_wanted = self._keys is None or age > _KEYS_SECONDS or self._keys is after
            if is_wanted and self._clock() - self._asked_at >= _RETRY_SECONDS:
                self._asked_at = self._clock()
                self._renew_keys()
            if self._keys is None:
                raise NetworkError(
                    f"{self._trusted.issuer} does not give its keys.", hint="Try again."
                )
            return self._keys

    def _renew_keys(self) -> None:
        try:
            self._keys = self._published_keys()
        except NetworkError:
            if self._keys is None:
                raise
            return  # those that are known are better than none
        self._read_at = self._clock()

    def _published_keys(self) -> KeySet:
        place = self._trusted.jwks_url or self._place_of_keys()
        try:
            keys: KeySet = KeySet.import_key_set(self._fetch(place))  # type: ignore[arg-type]  # It checks.
        except (JoseError, ConfigError, KeyError, TypeError, ValueError, AttributeError):
            raise NetworkError(
                f"The keys of {self._trusted.issuer} cannot be read.", hint="Check its jwks_uri."
            ) from None
        return keys

    def _place_of_keys(self) -> str:
        issuer = self._trusted.issuer
        metadata = self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        place = metadata.get("jwks_uri")
        if metadata.get("issuer") != issuer or not isinstance(place, str):
            raise NetworkError(
                f"The metadata of {issuer} is another provider's, or has no keys.",
                hint="Check the URL of the issuer.",
            )
        return place


def refused() -> AuthError:
    """Return what is said of a token that is not good, whatever is wrong with it."""
    return AuthError("The token is not valid here.", hint="Log in at your provider again.")
