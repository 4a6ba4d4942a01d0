"""Which names a server may be called by.

A page elsewhere can make a browser call a loopback address under a name of its own (DNS
rebinding). Addresses cannot be made to mean another machine, so all of them are good.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from dagy_server.settings import Settings

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


def is_known_host(header: str, settings: Settings) -> bool:
    """Tell whether a ``Host`` header names this server."""
    match = _HOST.fullmatch(header)
    if match is None:
        return False
    name = match["name"].lower().rstrip(".")
    return _is_address(name.strip("[]")) or name in _names(settings)


def _names(settings: Settings) -> set[str]:
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    names = {"localhost", settings.host, public or "localhost", *settings.allowed_hosts}
    return {name.lower() for name in names}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
