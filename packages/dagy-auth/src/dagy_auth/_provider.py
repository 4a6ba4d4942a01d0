"""A provider of logins, and how to find its endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dagy_auth._answer import Answer, require_available, shown
from dagy_auth._http import Http, borrowed
from dagy_auth._sendable import host_of
from dagy_types.errors import AuthError, ConfigError, NotFoundError

_OAUTH = "/.well-known/oauth-authorization-server"
_OPENID = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Where a provider does what; ``None`` for what it does not do.

    Attributes:
        issuer: The provider's name, a URL.
        code_challenge_methods: The kinds of PKCE that it says it knows; ``None`` when it says
            nothing about that.
        names_itself: Whether it says who it is when the browser comes back (RFC 9207).
    """

    issuer: str
    token_endpoint: str
    authorization_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    code_challenge_methods: tuple[str, ...] | None = None
    names_itself: bool = False


def discover(issuer: str, *, http: Http | None = None) -> Provider:
    """Ask a provider for its endpoints (RFC 8414, OpenID Connect Discovery).

    A slash at the end makes no difference. A page, a redirect or a refusal in the place of the
    document means that there is none.

    Raises:
        NotFoundError: When the provider publishes none; it may know only the older way to log in.
        AuthError: When the document is broken or another provider's.
        NetworkError: When the provider does not answer.
        ConfigError: When the URL, or one in the document, cannot be used.
    """
    host = host_of(issuer)
    with borrowed(http) as http:
        for url in _candidates(issuer):
            answer = http.get(url)
            if not _has_no_metadata(answer):
                return _read(answer, issuer=issuer)
    raise NotFoundError(
        f"{host} does not say how to log in: it has no OAuth or OpenID metadata.",
        hint="Check the URL of the provider.",
    )


def _candidates(issuer: str) -> Iterator[str]:
    parts = urlsplit(issuer)
    base = f"{parts.scheme}://{parts.netloc}"
    path = parts.path.rstrip("/")
    yield f"{base}{_OAUTH}{path}"
    yield f"{base}{path}{_OPENID}"
    if path:
        yield f"{base}{_OPENID}{path}"


def _has_no_metadata(answer: Answer) -> bool:
    require_available(answer)
    return answer.status >= 300 or answer.content == "an HTML page"


def _read(answer: Answer, *, issuer: str) -> Provider:
    document = answer.document
    if document is None:
        raise AuthError(
            f"The metadata of {answer.host} is {answer.content}.",
            hint="Check the URL of the provider, and try again.",
        )
    named = document.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != issuer.rstrip("/"):
        raise AuthError(
            f"The metadata of {answer.host} is that of {shown(str(named))!r}, "
            f"and {shown(issuer)!r} was asked for.",
            hint="Use the provider's own URL, exactly as it names itself.",
        )
    token_endpoint = _endpoint(document, "token_endpoint")
    if token_endpoint is None:
        raise AuthError(
            f"The metadata of {answer.host} has no token_endpoint.",
            hint="Check the URL of the provider.",
        )
    methods = document.get("code_challenge_methods_supported")
    return Provider(
        issuer=named,
        token_endpoint=token_endpoint,
        authorization_endpoint=_endpoint(document, "authorization_endpoint"),
        device_authorization_endpoint=_endpoint(document, "device_authorization_endpoint"),
        revocation_endpoint=_endpoint(document, "revocation_endpoint"),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint"),
        code_challenge_methods=tuple(map(str, methods)) if isinstance(methods, list) else None,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        host_of(value if isinstance(value, str) else "")
    except ConfigError as error:
        raise AuthError(
            f"The metadata has a {name} that cannot be used: {shown(error.message)}",
            hint="Tell whoever runs the provider.",
        ) from None
    return str(value)
