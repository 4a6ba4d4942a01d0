"""What a server is told at its start: the command line, then the environment, then defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dagy_server.clock import SECOND
from dagy_types.errors import ConfigError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIssuer:
    """An OpenID provider whose tokens are accepted.

    Attributes:
        issuer: Its URL, as in the ``iss`` of its tokens.
        audience: What must be in their ``aud``: the name that it knows this server by.
        jwks_url: Where its keys are; found by discovery where it is not given.
        organisation_id: Whose members its people become; the first organisation by default.
    """

    issuer: str
    audience: str
    jwks_url: str | None = None
    organisation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be set.

    Attributes:
        data_directory: For everything that the server keeps, unless a URL says otherwise.
        database_url: ``sqlite:////path`` or ``postgresql://…``; SQLite in the directory by default.
        artifacts_url: ``file:///path`` or ``s3://BUCKET/PREFIX``; in the directory by default.
        public_url: How people and programs reach the server; what it listens on by default.
        allow_public: Whether to listen on an address that other machines can reach.
        allowed_hosts: Names in the ``Host`` header besides loopback and that of ``public_url``.
        trusted_proxies: Addresses whose ``X-Forwarded-For`` and ``-Proto`` are believed.
        secret: Of which keys are hashed; a file in the directory by default.
        busy_timeout_seconds: How long a change waits for another one, before it is refused.
        access_token_ttl_seconds: How long a token of ``POST /auth/login`` is good.
        max_runs: How many runs this server carries out at once; with 0 it only takes them in.
        lease_seconds: After how long without a sign of life a worker counts as lost.
        keep_records_days: How long what a retry takes over is kept of a run that did not succeed.
        flow_environment: Variables of the server's environment that flows get to see.
    """

    data_directory: Path
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    database_url: str | None = field(default=None, repr=False)  # may hold a password
    artifacts_url: str | None = None
    public_url: str | None = None
    allow_public: bool = False
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)
    access_token_ttl_seconds: int = 86_400
    requests_per_minute: int = 120
    request_burst: int = 200
    max_artifact_bytes: int = 256 * 1024 * 1024
    busy_timeout_seconds: float = 5.0
    max_runs: int = 4
    lease_seconds: int = 10
    keep_records_days: int = 30
    flow_environment: tuple[str, ...] = ()
    external_issuer: ExternalIssuer | None = None

    @property
    def database(self) -> str:
        """The URL of the database."""
        return self.database_url or f"sqlite:///{self.data_directory / 'dagy-server.db'}"

    @property
    def artifacts(self) -> str:
        """The URL of the place for artifacts."""
        return self.artifacts_url or (self.data_directory / "artifacts").as_uri()

    @property
    def lease(self) -> int:
        """`lease_seconds` in microseconds."""
        return self.lease_seconds * SECOND

    @property
    def origin(self) -> str:
        """How the server is reached, without a slash at the end: the issuer of its tokens."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def resolve(options: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings.

    Args:
        options: Of the command line, by the name of the setting; ``None`` where not given.
        environ: ``DAGY_SERVER_…`` for each setting, and the published names of some.

    Raises:
        ConfigError: When a value cannot be used.
    """
    # 1) defaults: those of Settings
    values: dict[str, Any] = {"data_directory": _default_directory(environ)}
    # 2) from the environment
    for name, (variable, read) in _VARIABLES.items():
        if environ.get(variable):
            values[name] = _read(variable, environ[variable], read)
    values["external_issuer"] = _external_issuer(environ)
    # 3) from the command line
    values.update({name: value for name, value in options.items() if value is not None})
    settings = Settings(**values)
    _check(settings)
    return settings


def _default_directory(environ: Mapping[str, str]) -> Path:
    base = environ.get("DAGY_LOCAL_DIR")
    return (
        Path(base) if base else Path(environ.get("HOME", "~")) / ".dagy"
    ).expanduser() / "server"


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise ValueError("a whole number")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError("true or false")
    return text.lower() in _TRUE


def _list(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


_POSITIVE = (
    "access_token_ttl_seconds",
    "requests_per_minute",
    "request_burst",
    "max_artifact_bytes",
    "lease_seconds",
    "keep_records_days",
)

_VARIABLES: Mapping[str, tuple[str, Any]] = {  # Any: a function from text to the value
    "data_directory": ("DAGY_SERVER_DATA_DIR", Path),
    "host": ("DAGY_SERVER_HOST", str),
    "port": ("DAGY_SERVER_PORT", _number),
    "database_url": ("DAGY_SERVER_DATABASE_URL", str),
    "artifacts_url": ("DAGY_SERVER_ARTIFACTS_URL", str),
    "public_url": ("DAGY_SERVER_PUBLIC_URL", str),
    "allow_public": ("DAGY_SERVER_ALLOW_PUBLIC", _flag),
    "allowed_hosts": ("DAGY_SERVER_ALLOWED_HOSTS", _list),
    "trusted_proxies": ("DAGY_SERVER_TRUSTED_PROXIES", _list),
    "secret": ("DAGY_SERVER_SECRET", str),
    "access_token_ttl_seconds": ("DAGY_ACCESS_TOKEN_TTL_SECONDS", _number),
    "requests_per_minute": ("DAGY_SERVER_REQUESTS_PER_MINUTE", _number),
    "request_burst": ("DAGY_SERVER_REQUEST_BURST", _number),
    "max_artifact_bytes": ("DAGY_SERVER_MAX_ARTIFACT_BYTES", _number),
    "max_runs": ("DAGY_SERVER_MAX_RUNS", _number),
    "lease_seconds": ("DAGY_SERVER_LEASE_SECONDS", _number),
    "keep_records_days": ("DAGY_SERVER_KEEP_RECORDS_DAYS", _number),
    "flow_environment": ("DAGY_SERVER_FLOW_ENVIRONMENT", _list),
    "busy_timeout_seconds": ("DAGY_SERVER_BUSY_TIMEOUT_SECONDS", _number),
}


def _read(variable: str, text: str, read: Any) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise ConfigError(
            f"{variable} is {text!r}.", hint=f"Set it to {error}, or unset it."
        ) from None


def _external_issuer(environ: Mapping[str, str]) -> ExternalIssuer | None:
    issuer, audience = environ.get("DAGY_JWT_ISSUER"), environ.get("DAGY_JWT_AUDIENCE")
    if not issuer:
        return None
    if not audience:
        raise ConfigError(
            "DAGY_JWT_ISSUER is set and DAGY_JWT_AUDIENCE is not.",
            hint="Set it to the name that the issuer knows this server by.",
        )
    return ExternalIssuer(
        issuer=issuer,
        audience=audience,
        jwks_url=environ.get("DAGY_JWT_JWKS_URL") or None,
        organisation_id=environ.get("DAGY_JWT_ORGANISATION") or None,
    )


def _check(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise ConfigError(
            f"{settings.port} is no port.", hint="Use 0 to 65535; 0 takes a free one."
        )
    for name in _POSITIVE:
        if getattr(settings, name) < 1:
            raise ConfigError(f"{name} is {getattr(settings, name)}.", hint="Set it to 1 or more.")
    if settings.secret is not None and len(settings.secret) < 32:
        raise ConfigError("DAGY_SERVER_SECRET is too short.", hint="Give it 32 characters or more.")
    if settings.public_url is not None and not _is_origin(settings.public_url):
        raise ConfigError(
            f"{settings.public_url!r} is not how a server is reached.",
            hint="Give https://NAME, without a path.",
        )


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    has_more = parts.username or parts.query or parts.fragment or parts.path not in ("", "/")
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not has_more
