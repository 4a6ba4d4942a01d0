"""To whom a token may be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

from dagy_types.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL (RFC 6454), as ``https://api.dagy.io:443``.

    Raises:
        ConfigError: When it is no http or https URL, or contains credentials.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("Not a URL.", hint="Give it as https://HOST[:PORT][/PATH].") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ConfigError(
            f"Not an http or https URL: {parts._replace(netloc=parts.hostname or '').geturl()}",
            hint="Give it as https://HOST[:PORT][/PATH].",
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"The URL of {parts.hostname} contains credentials.",
            hint="Remove what stands before the @; tokens have a place of their own.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or _DEFAULT_PORTS[parts.scheme]}"
