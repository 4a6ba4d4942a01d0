"""Where the API is, and how far a request may be sent on from there."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from dagy_types.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORM = "Give it as https://HOST[:PORT][/PREFIX], such as https://api.dagy.io/v1."


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """The root of an API; whatever prefix it has belongs to every path.

    Attributes:
        origin: Scheme, host and port, as they were given.
        prefix: ``/v1``, or nothing.
    """

    origin: str
    prefix: str

    def url_of(self, path: str) -> str:
        """Return the URL of a path of the API, which begins with a slash."""
        return f"{self.origin}{self.prefix}{path}"


def parse_base_url(text: str) -> BaseUrl:
    """Read the URL of an API.

    Raises:
        ConfigError: When it is none, or has more to it than a base can have, such as a password.
    """
    parts = _split(text)
    host = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ConfigError("The base URL of the API is no http or https URL.", hint=_FORM)
    if "@" in parts.netloc:
        raise ConfigError(
            f"The base URL of the API on {host} contains credentials.",
            hint="Remove what stands before the @; pass the token as auth=.",
        )
    if parts.query or parts.fragment:
        raise ConfigError(f"The base URL of the API on {host} has a query.", hint=_FORM)
    return BaseUrl(f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/"))


def redirect_target(url: str, location: str) -> str | None:
    """Return where a redirect leads; ``None`` when that is another origin, or no URL at all."""
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        is_same = _origin(parts) == _origin(urlsplit(url)) and "@" not in parts.netloc
    except ValueError:
        return None
    return target.partition("#")[0] if is_same else None


def shown_origin(url: str) -> str:
    """Return scheme, host and port for people: nothing of a URL that could be a secret."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "an unreadable URL"
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "an unreadable URL"


def _split(text: str) -> SplitResult:
    try:
        # urlsplit() leaves out control characters, so that it would see another URL than people.
        if not text.isprintable() or " " in text:
            raise ValueError
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ConfigError("The base URL of the API is not a URL.", hint=_FORM) from None
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
