"""The keys of a profile that people set, and which values each takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from dagy_cli.profiles import (
    DEFAULT_APP_URL,
    DEFAULT_CLIENT_ID,
    STORAGES,
)
from dagy_cli.render.view import DEFAULT_TABLE_FORMAT
from dagy_types.errors import UsageError

DEFAULT_PROFILE = "default_profile"
"""The key that belongs to no profile."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key.

    Attributes:
        meaning: For people.
        default: What counts where the file does not say; nothing for some.
        read: From a text to the value in the file; raises `ValueError` with what is expected.
    """

    meaning: str
    read: Callable[[str], str | bool]
    default: str = ""


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("a text")
    return text


def _url(text: str) -> str:
    expected = "a URL such as https://api.dagy.io"
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        raise ValueError(expected) from None
    is_whole = parts.scheme in ("http", "https") and parts.hostname
    if not is_whole or any(each.isspace() for each in text):
        raise ValueError(expected)
    if parts.username or parts.password:
        raise ValueError("a URL without user and password, which dagy login asks for")
    return text


def _storage(text: str) -> str:
    if text not in STORAGES:
        raise ValueError(f"one of {', '.join(STORAGES)}")
    return text


def _table_format(text: str) -> str:
    from tabulate import tabulate_formats

    if text not in tabulate_formats:
        raise ValueError(f"one of {', '.join(tabulate_formats)}")
    return text


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false")
    return text.lower() == "true"


KEYS: Mapping[str, Key] = {
    "api_url": Key("the server", _url),
    "app_url": Key("web app, where the server cannot log people in", _url, DEFAULT_APP_URL),
    "table_format": Key("how tables look", _table_format, DEFAULT_TABLE_FORMAT),
    "auth_storage": Key("where tokens are kept: auto, keyring or file", _storage, "auto"),
    "issuer": Key("who logs people in, if not the server", _url),
    "client_id": Key("how that provider calls this command", _text, DEFAULT_CLIENT_ID),
    "protected": Key("true: dagy deploy asks first, or needs --yes", _truth, "false"),
}
"""Each key of a profile, in the order in which they are shown."""


def value_of(key: str, text: str) -> str | bool:
    """Return the value that a text is for a key.

    Raises:
        UsageError: When it is none.
    """
    try:
        return KEYS[key].read(text)
    except ValueError as expected:
        raise UsageError(f"{key} cannot be {text!r}.", hint=f"Give {expected}.") from None
