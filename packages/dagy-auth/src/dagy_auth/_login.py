"""A login from the first check to the last: nothing is claimed that was not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from dagy_auth._credential_store import CredentialStore
from dagy_auth._identity import Identity
from dagy_auth._token_set import TokenSet
from dagy_types.errors import AuthError, CredentialStoreError, DagyError


class UnsavedTokensError(CredentialStoreError):
    """A login succeeded, and the store did not keep it.

    Attributes:
        tokens: What the login gave; whoever catches this can save it in another store.
    """

    def __init__(self, message: str, *, hint: str | None = None, tokens: TokenSet) -> None:
        super().__init__(message, hint=hint)
        self.tokens = tokens


@dataclass(frozen=True, slots=True)
class LoginResult:
    """A login that is stored.

    Attributes:
        identity: Who the server says has logged in, if it was asked.
        location: Where the tokens are, for people.
        is_encrypted: Whether they are encrypted there.
    """

    tokens: TokenSet
    identity: Identity | None
    location: str
    is_encrypted: bool


def login(
    store: CredentialStore,
    name: str,
    *,
    obtain: Callable[[], TokenSet],
    verify: Callable[[TokenSet], Identity] | None = None,
) -> LoginResult:
    """Find out that the store works, obtain tokens, show them to the server, and store them.

    Args:
        name: Under which the tokens are stored; what has another name is not touched.
        obtain: The flow that gives the tokens.
        verify: Asks the server who they belong to. When it refuses them, nothing is stored, and an
            earlier login stays. When it raises something else, that is raised once they are stored.

    Raises:
        UnsavedTokensError: When the store did not keep the tokens; it carries them.
        CredentialStoreError: When the store does not work; no flow has begun then.
        DagyError: What the flow and the server had to say.
    """
    store.probe()
    tokens = obtain()
    identity: Identity | None = None
    doubt: DagyError | None = None
    if verify is not None:
        try:
            identity = verify(tokens)
        except AuthError:
            raise
        except DagyError as error:
            doubt = error
        else:
            tokens = replace(
                tokens,
                email=identity.email or tokens.email,
                subject=identity.subject or tokens.subject,
            )
    _keep(store, name, tokens)
    if doubt is not None:
        raise doubt
    return LoginResult(tokens, identity, store.location, store.is_encrypted)


def _keep(store: CredentialStore, name: str, tokens: TokenSet) -> None:
    fault = ""
    try:
        with store.lock(name):  # so that no renewal of an earlier login comes in between
            store.save(name, tokens)
            if store.load(name) != tokens:
                fault = "it does not give back what it was given"
    except DagyError as error:
        fault = error.message.rstrip(".")
    if fault:
        raise UnsavedTokensError(
            f"The login {name!r} succeeded, but {store.location} did not keep it: {fault}.",
            hint="Choose another store.",
            tokens=tokens,
        )
