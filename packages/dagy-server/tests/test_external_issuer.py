from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from dagy_server.external_issuer import ExternalIdentity, ExternalTokens
from dagy_server.settings import ExternalIssuer
from dagy_types.errors import AuthError, ConfigError, NetworkError

ISSUER = "https://id.example"
KEYS = "https://id.example/keys"
NOW = 1_800_000_000
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "dagy",
    "sub": "user-1",
    "exp": NOW + 600,
    "email": "ada@example.com",
    "email_verified": True,
    "name": "Ada",
}


KEY = RSAKey.generate_key(2048, {"kid": "1"})


class Provider:
    """What a provider publishes, and how often it was asked."""

    def __init__(self) -> None:
        self.key = KEY
        self.published: Any = {"keys": [self.key.as_dict(private=False)]}
        self.metadata: Any = {"issuer": ISSUER, "jwks_uri": KEYS}
        self.asked: list[str] = []
        self.is_down = False

    def fetch(self, url: str) -> Mapping[str, Any]:
        self.asked.append(url)
        if self.is_down:
            raise NetworkError("down")
        if url == KEYS:
            return self.published  # type: ignore[no-any-return]  # what a test puts there
        assert url == f"{ISSUER}/.well-known/openid-configuration"
        return self.metadata  # type: ignore[no-any-return]  # what a test puts there

    def sign(
        self, *, key: Any = None, alg: str = "RS256", kid: str | None = "1", **changes: Any
    ) -> str:
        claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
        header = {"alg": alg} | ({} if kid is None else {"kid": kid})
        return jwt.encode(header, claims, key or self.key, algorithms=[alg])


@pytest.fixture
def provider() -> Provider:
    return Provider()


class Seconds:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def tokens(provider: Provider, seconds: Seconds) -> ExternalTokens:
    trusted = ExternalIssuer(issuer=ISSUER, audience="dagy")
    return ExternalTokens(trusted, fetch=provider.fetch, clock=seconds, now=lambda: NOW)


def test_a_token_tells_who_somebody_is(provider: Provider, tokens: ExternalTokens) -> None:
    assert tokens.identity(provider.sign()) == ExternalIdentity(
        issuer=ISSUER, subject="user-1", email="ada@example.com", name="Ada"
    )
    assert tokens.identity(provider.sign(aud=["other", "dagy"])).subject == "user-1"
    assert tokens.identity(provider.sign(exp=NOW - 59)).subject == "user-1"


def test_a_name_is_kept_as_a_line(provider: Provider, tokens: ExternalTokens) -> None:
    assert tokens.identity(provider.sign(name="A\x00d\na\u202e")).name == "Ada"
    assert tokens.identity(provider.sign(name="x" * 300)).name == "x" * 200
    assert tokens.identity(provider.sign(name=7)).name == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"email_verified": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
        {"email": 7},
    ],
)
def test_an_address_that_the_provider_has_not_checked_is_none(
    provider: Provider, tokens: ExternalTokens, changes: dict[str, Any]
) -> None:
    assert tokens.identity(provider.sign(**changes)).email is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "never"},
        {"nbf": NOW + 61},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "x\x00"},
        {"sub": "é"},
    ],
)
def test_a_token_that_says_something_else_is_refused(
    provider: Provider, tokens: ExternalTokens, changes: dict[str, Any]
) -> None:
    with pytest.raises(AuthError, match="not valid here"):
        tokens.identity(provider.sign(**changes))


def test_a_token_that_another_key_has_signed_is_refused(
    provider: Provider, tokens: ExternalTokens
) -> None:
    other = RSAKey.generate_key(2048, {"kid": "1"})
    with pytest.raises(AuthError, match="not valid here"):
        tokens.identity(provider.sign(key=other))


def test_a_token_that_is_signed_with_the_public_key_as_a_secret_is_refused(
    provider: Provider, tokens: ExternalTokens
) -> None:
    _, payload, _ = provider.sign().split(".")
    header = _encoded(b'{"alg":"HS256","kid":"1"}')
    signed = f"{header}.{payload}"
    secret = provider.key.as_pem(private=False)
    signature = hmac.digest(secret, signed.encode(), "sha256")
    with pytest.raises(AuthError, match="not valid here"):
        tokens.identity(f"{signed}.{_encoded(signature)}")


def test_a_token_that_nobody_has_signed_is_refused(
    provider: Provider, tokens: ExternalTokens
) -> None:
    _, payload, _ = provider.sign().split(".")
    header = _encoded(b'{"alg":"none","kid":"1"}')
    with pytest.raises(AuthError, match="not valid here"):
        tokens.identity(f"{header}.{payload}.")


def _encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.mark.parametrize("token", ["x", "a.b.c", "", "é.é.é", "." * 9, "x" * 20_000])
def test_what_is_no_token_is_refused(tokens: ExternalTokens, token: str) -> None:
    with pytest.raises(AuthError, match="not valid here"):
        tokens.identity(token)


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (ECKey.generate_key("P-256", {"kid": "1"}), "ES256"),
        (OKPKey.generate_key("Ed25519", {"kid": "1"}), "Ed25519"),
        (RSAKey.generate_key(2048, {"kid": "1"}), "PS256"),
    ],
)
def test_newer_kinds_of_keys_are_known(
    provider: Provider, tokens: ExternalTokens, key: Any, alg: str
) -> None:
    provider.published = {"keys": [key.as_dict(private=False)]}
    assert tokens.identity(provider.sign(key=key, alg=alg)).subject == "user-1"


def test_a_single_key_needs_no_name(provider: Provider, tokens: ExternalTokens) -> None:
    assert tokens.identity(provider.sign(kid=None)).subject == "user-1"


def test_keys_are_asked_for_once_in_ten_minutes(
    provider: Provider, tokens: ExternalTokens, seconds: Seconds
) -> None:
    for _ in range(3):
        tokens.identity(provider.sign())
    assert provider.asked == [f"{ISSUER}/.well-known/openid-configuration", KEYS]
    seconds.now += 601
    tokens.identity(provider.sign())
    assert len(provider.asked) == 4


def test_a_new_key_is_found_when_it_is_needed(
    provider: Provider, tokens: ExternalTokens, seconds: Seconds
) -> None:
    tokens.identity(provider.sign())
    newer = RSAKey.generate_key(2048, {"kid": "2"})
    provider.published = {"keys": [newer.as_dict(private=False)]}
    seconds.now += 31
    assert tokens.identity(provider.sign(key=newer, kid="2")).subject == "user-1"


def test_whoever_makes_key_names_up_does_not_make_the_server_ask(
    provider: Provider, tokens: ExternalTokens, seconds: Seconds
) -> None:
    tokens.identity(provider.sign())
    for _ in range(10):
        with pytest.raises(AuthError):
            tokens.identity(provider.sign(kid="made-up"))
        seconds.now += 1
    assert provider.asked.count(KEYS) == 1


def test_known_keys_are_good_while_the_provider_is_down(
    provider: Provider, tokens: ExternalTokens, seconds: Seconds
) -> None:
    tokens.identity(provider.sign())
    provider.is_down = True
    seconds.now += 601
    assert tokens.identity(provider.sign()).subject == "user-1"


def test_without_keys_nobody_is_refused_for_good(
    provider: Provider, tokens: ExternalTokens, seconds: Seconds
) -> None:
    provider.is_down = True
    for _ in range(2):
        with pytest.raises(NetworkError):
            tokens.identity(provider.sign())
    assert len(provider.asked) == 1
    provider.is_down = False
    seconds.now += 30
    assert tokens.identity(provider.sign()).subject == "user-1"


@pytest.mark.parametrize(
    "metadata",
    [{}, {"issuer": "https://evil.example", "jwks_uri": KEYS}, {"issuer": ISSUER, "jwks_uri": 1}],
)
def test_the_metadata_of_another_provider_has_no_keys(
    provider: Provider, tokens: ExternalTokens, metadata: Any
) -> None:
    provider.metadata = metadata
    with pytest.raises(NetworkError, match="another provider's, or has no keys"):
        tokens.identity(provider.sign())


@pytest.mark.parametrize("published", [{}, {"keys": []}, {"keys": 1}, {"keys": [{"kty": "x"}]}])
def test_keys_that_cannot_be_read_are_a_fault_of_the_provider(
    provider: Provider, tokens: ExternalTokens, published: Any
) -> None:
    provider.published = published
    with pytest.raises(NetworkError, match="cannot be read"):
        tokens.identity(provider.sign())


def test_the_place_of_the_keys_can_be_given(provider: Provider) -> None:
    trusted = ExternalIssuer(issuer=ISSUER, audience="dagy", jwks_url=KEYS)
    tokens = ExternalTokens(trusted, fetch=provider.fetch, now=lambda: NOW)
    assert tokens.identity(provider.sign()).subject == "user-1"
    assert provider.asked == [KEYS]


@pytest.mark.parametrize(
    "trusted",
    [
        ExternalIssuer(issuer="http://id.example", audience="dagy"),
        ExternalIssuer(issuer=ISSUER, audience="dagy", jwks_url="http://id.example/keys"),
    ],
)
def test_a_provider_without_https_is_not_trusted(trusted: ExternalIssuer) -> None:
    with pytest.raises(ConfigError, match="Not an https URL"):
        ExternalTokens(trusted)
