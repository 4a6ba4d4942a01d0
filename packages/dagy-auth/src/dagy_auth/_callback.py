"""The request by which a browser comes back from a login: read, not trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from dagy_auth._secret import Secret

_MAX_PARAMETERS = 50


@dataclass(frozen=True, slots=True)
class Callback:
    """What a browser brought back.

    Attributes:
        parameters: Those of the URL; a code or a token may be among them.
    """

    parameters: Mapping[str, str] = field(repr=False)

    def text(self, name: str) -> str:
        """Return a parameter; empty when there is none."""
        return self.parameters.get(name, "")

    def secret(self, name: str) -> Secret:
        """Return a parameter that must not be seen."""
        return Secret(self.text(name))


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that does not end a login.

    Attributes:
        status: The HTTP status that says so.
    """

    status: int


def read_request(head: bytes, *, path: str, hosts: Collection[str]) -> Callback | Refused:
    """Read the head of an HTTP request.

    Args:
        path: The only path that a browser comes back to.
        hosts: The Host headers that such a browser sends.
    """
    lines = head.decode("latin-1").split("\r\n")
    request = lines[0].split(" ")
    if len(request) != 3 or not request[2].startswith("HTTP/1."):
        return Refused(400)
    if _hosts(lines[1:]) not in [[host] for host in hosts]:
        return Refused(400)
    method, target, _ = request
    found, _, query = target.partition("?")
    if found != path:
        return Refused(404)
    if method != "GET":
        return Refused(405)
    parameters = read_query(query)
    return Refused(400) if parameters is None else Callback(parameters)


def read_query(query: str) -> Mapping[str, str] | None:
    """Return the parameters of a query; ``None`` when one comes twice or there are too many."""
    from urllib.parse import parse_qsl

    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return None
    parameters = dict(pairs)
    return parameters if len(parameters) == len(pairs) else None


def _hosts(lines: list[str]) -> list[str]:
    pairs = (line.partition(":") for line in lines)
    return [value.strip().lower() for name, _, value in pairs if name.lower() == "host"]
