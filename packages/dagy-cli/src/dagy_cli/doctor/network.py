"""The server of the profile, its clock, and what stands between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from dagy_cli.config_file import settings_of
from dagy_cli.doctor.finding import Finding
from dagy_cli.profiles import Flags
from dagy_types.errors import DagyError

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_LIMIT_SECONDS = 2.0
_TOLERATED_SKEW_SECONDS = 30.0


def server(environ: Mapping[str, str], profile: str | None) -> list[Finding]:
    """Return whether the server answers, and whether its clock says the same as this machine's.

    No token is sent. That it does not answer is a warning: what runs here does not need it.
    """
    try:
        settings = settings_of(Flags(profile=profile), environ)
    except DagyError:
        return []  # told of the configuration
    if settings.api_url is None:
        return [Finding("server", "ok", "None is configured; runs are local")]
    url = settings.api_url.value
    try:
        date = _date_of(url)
    except DagyError as error:
        return [Finding("server", "warning", error.message, error.hint)]
    found = [Finding("server", "ok", f"{url} answers ({settings.api_url.source})")]
    skew = _skew_seconds(date)
    if skew is None:
        return found
    if abs(skew) <= _TOLERATED_SKEW_SECONDS:
        return [*found, Finding("clock", "ok", "As that of the server")]
    side = "ahead of" if skew > 0 else "behind"
    message = f"This machine's clock is {abs(skew):.0f} s {side} that of the server."
    return [*found, Finding("clock", "warning", message, "Set the clock, or have NTP do so.")]


def proxies(environ: Mapping[str, str], profile: str | None) -> list[Finding]:  # noqa: ARG001
    """Return which proxies the environment names, without their passwords."""
    named = {
        name: value
        for variable in _PROXY_VARIABLES
        for name in (variable, variable.lower())
        if (value := environ.get(name))
    }
    if not named:
        return [Finding("proxy", "ok", "None is set")]
    shown = ", ".join(f"{name}={_without_password(value)}" for name, value in named.items())
    return [Finding("proxy", "ok", shown)]


def certificates(environ: Mapping[str, str], profile: str | None) -> list[Finding]:  # noqa: ARG001
    """Return whose certificates are trusted, and whether they are there."""
    named = {name: environ[name] for name in _CERTIFICATE_VARIABLES if environ.get(name)}
    if not named:
        return [Finding("certificates", "ok", "Those that come with Python's certifi")]
    absent = [f"{name}={path}" for name, path in named.items() if not Path(path).exists()]
    if absent:
        message = f"There is nothing at {', '.join(absent)}"
        return [Finding("certificates", "problem", message, "Correct or unset the variable.")]
    shown = ", ".join(f"{name}={path}" for name, path in named.items())
    return [Finding("certificates", "ok", shown)]


def _date_of(url: str) -> str | None:
    from dagy_client import DagyClient, RetryPolicy, Timeouts

    limits = Timeouts(connect=_LIMIT_SECONDS, read=_LIMIT_SECONDS, total=1.5 * _LIMIT_SECONDS)
    with DagyClient(url, timeouts=limits, retry=RetryPolicy(max_attempts=1)) as client:
        return client.with_raw_response.health().headers.get("date")


def _skew_seconds(date: str | None) -> float | None:
    try:
        written = parsedate_to_datetime(date or "").astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    return (datetime.now(timezone.utc) - written).total_seconds()


def _without_password(value: str) -> str:
    parts = urlsplit(value)
    if "@" not in parts.netloc:
        return value
    return urlunsplit(parts._replace(netloc=f"***@{parts.netloc.rpartition('@')[2]}"))
