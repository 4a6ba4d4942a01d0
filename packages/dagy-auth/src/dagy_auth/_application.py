"""The program that logs in, as its provider knows it."""

from __future__ import annotations

from dataclasses import dataclass

from dagy_auth._secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The program that asks for tokens.

    Attributes:
        client_id: Its name at the provider.
        client_secret: For programs that can keep one, such as a job of a CI system; not for a
            program that people install.
        scopes: What it asks for.
        audience: The API that the tokens are for, at providers that ask for it by that name.
        resource: The same, as a URL (RFC 8707).
        prompt: What the provider is to show in the browser (OpenID Connect). By default "consent"
            where the scopes have "offline_access", since it must ignore that scope otherwise, and
            gives no refresh token then; empty to leave it to a provider that wants it so.
    """

    client_id: str
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ()
    audience: str | None = None
    resource: str | None = None
    prompt: str | None = None

    @property
    def asked(self) -> dict[str, str]:
        """What is wanted, as parameters of a request."""
        wanted = {
            "scope": " ".join(self.scopes),
            "audience": self.audience,
            "resource": self.resource,
        }
        return {name: value for name, value in wanted.items() if value}

    @property
    def asked_again(self) -> dict[str, str]:
        """What each request for tokens repeats of that (RFC 8707 §2.2)."""
        return {"resource": self.resource} if self.resource else {}
