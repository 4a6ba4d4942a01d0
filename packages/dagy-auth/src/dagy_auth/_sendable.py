"""What can be sent, and where secrets may go."""

from __future__ import annotations

from urllib.parse import urlsplit

from dagy_auth._answer import shown
from dagy_auth._application import Application
from dagy_auth._origin import origin_of
from dagy_auth._secret import Secret
from dagy_auth._wire import Form
from dagy_types.errors import AuthError, ConfigError


def host_of(url: str) -> str:
    """Return the host, and the port if it is an unusual one, of a URL that secrets may go to.

    Raises:
        ConfigError: When it is none, or plain http to another machine.
    """
    if not url.isprintable() or " " in url:
        raise ConfigError(
            f"A URL has characters that no URL has: {shown(url)!r}", hint="Check the URL."
        )
    origin = origin_of(url)
    host = urlsplit(url).netloc
    if origin.startswith("http:") and not _is_loopback(urlsplit(url).hostname or ""):
        raise ConfigError(
            f"{host} would be asked over plain http, which lets the network read secrets.",
            hint="Use its https URL.",
        )
    return host


def require_sendable(token: Secret) -> None:
    """Make sure that a token can stand in a header.

    Raises:
        AuthError: When it is empty, or has characters that no token has.
    """
    if not all("!" <= each <= "~" for each in token.reveal()) or not token.reveal():
        raise AuthError(
            "The token is empty or has characters that no token has, such as a line break.",
            hint="Copy it again, or log in again.",
        )


def require_encodable(form: Form, application: Application) -> None:
    """Make sure that a form can be sent.

    Raises:
        AuthError: When it has halves of characters.
    """
    # They come out of JSON and of the environment; whoever encodes them would show all the rest.
    for each in (*form.values(), application.client_id, application.client_secret or ""):
        text = Secret(each) if isinstance(each, str) else each
        if not _is_encodable(text):
            raise AuthError(
                "A token, code or name has characters that cannot be sent.", hint="Log in again."
            )


def _is_encodable(text: Secret) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text.reveal())


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
