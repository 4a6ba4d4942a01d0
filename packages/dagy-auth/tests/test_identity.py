from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from dagy_auth import (
    Http,
    Identity,
    MemoryStore,
    StaticTokenSource,
    StoredTokenSource,
    TokenSet,
    fetch_identity,
    identity_from,
)
from dagy_auth.testing import FakeProvider
from dagy_types.errors import (
    AuthError,
    ConfigError,
    DagyError,
    NetworkError,
    NotLoggedInError,
    PermissionDeniedError,
    TokenExpiredError,
)


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def tokens(provider: FakeProvider) -> TokenSet:
    return provider.new_tokens()


@pytest.fixture
def source(tokens: TokenSet) -> StaticTokenSource:
    return StaticTokenSource(tokens.access_token, origin=tokens.origin)


@pytest.mark.parametrize(
    ("document", "identity"),
    [
        (
            {"user_email": "a@example.com", "org_id": "org_1", "org_name": "A", "role": "owner"},
            Identity(
                email="a@example.com", organisation="A", organisation_id="org_1", roles=("owner",)
            ),
        ),
        (
            {"sub": "u1", "email": "a@example.com", "scope": "runs.read runs.trigger"},
            Identity(email="a@example.com", subject="u1", scopes=("runs.read", "runs.trigger")),
        ),
        ({"roles": ["owner", 3, None], "scopes": []}, Identity(roles=("owner",))),
        ({"email": 7, "sub": "", "org_id": None, "role": {}, "scope": 1}, Identity()),
        ({}, Identity()),
    ],
)
def test_an_identity_is_what_the_document_says_of_it(
    document: dict[str, object], identity: Identity
) -> None:
    assert identity_from(document) == identity


def test_the_server_says_who_has_the_token(
    provider: FakeProvider, source: StaticTokenSource
) -> None:
    assert fetch_identity(provider.me_url, source) == Identity(
        email="user@example.com", organisation_id="org-1", roles=("developer",)
    )
    assert fetch_identity(provider.userinfo_url, source) == Identity(
        email="user@example.com", subject="user-1"
    )


def test_a_refused_token_is_renewed_once(provider: FakeProvider, tokens: TokenSet) -> None:
    store = MemoryStore()
    store.save("prod", tokens)
    provider.expire_tokens()
    identity = fetch_identity(provider.me_url, StoredTokenSource(store, "prod"))
    assert identity.email == "user@example.com"
    assert provider.refresh_count == 1


def test_a_token_that_stays_refused_is_an_error(
    provider: FakeProvider, source: StaticTokenSource, tokens: TokenSet
) -> None:
    provider.revoke_all()
    with pytest.raises(TokenExpiredError, match="The token is refused by http://127"):
        fetch_identity(provider.me_url, source)
    assert len(provider.requests_to("/me")) == 1

    class Stubborn:
        def token(self, url: str) -> str:
            return tokens.access_token.reveal()

        def reject(self, token: str) -> None: ...

    with pytest.raises(AuthError, match="refuses the token"):
        fetch_identity(provider.me_url, Stubborn())
    assert len(provider.requests_to("/me")) == 3


def test_the_token_goes_to_no_other_origin(
    provider: FakeProvider, source: StaticTokenSource
) -> None:
    """AUTH-21."""
    with FakeProvider() as other:
        with pytest.raises(NotLoggedInError):
            fetch_identity(other.me_url, source)
        assert other.requests == []


def answering(answer: httpx.Response) -> Http:
    return Http(transport=httpx.MockTransport(lambda request: answer))


def test_a_redirect_is_not_followed(provider: FakeProvider, source: StaticTokenSource) -> None:
    """AUTH-21."""
    with FakeProvider() as other:
        answer = httpx.Response(302, headers={"Location": other.me_url})
        with answering(answer) as http, pytest.raises(ConfigError, match="redirects"):
            fetch_identity(provider.me_url, source, http=http)
        assert other.requests == []


def test_whoever_may_not_know_is_told_so(provider: FakeProvider, source: StaticTokenSource) -> None:
    with answering(httpx.Response(403)) as http, pytest.raises(PermissionDeniedError) as caught:
        fetch_identity(provider.me_url, source, http=http)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("html", ConfigError),
        ("truncated", ConfigError),
        ("error_500", NetworkError),
        ("drop", NetworkError),
        ("cut_off", NetworkError),
    ],
)
def test_what_a_server_should_not_answer_is_an_error_without_secrets(
    provider: FakeProvider, source: StaticTokenSource, kind: str, error: type[DagyError]
) -> None:
    """AUTH-06."""
    provider.misbehave("/me", kind)  # type: ignore[arg-type]
    with pytest.raises(error) as caught:
        fetch_identity(provider.me_url, source)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert not any(secret in repr(caught.value) for secret in provider.secrets)
    assert fetch_identity(provider.me_url, source).email  # the token is as good as before


def test_a_url_without_an_identity_is_a_wrong_setting(
    provider: FakeProvider, source: StaticTokenSource
) -> None:
    url = f"{provider.origin}/nothing"
    with pytest.raises(ConfigError) as caught:
        fetch_identity(url, source)
    assert caught.value.hint == f"Check the URL {url}"
