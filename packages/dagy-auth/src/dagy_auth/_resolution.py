"""Which of the places that a token can come from counts."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dagy_auth._secret import Secret
from dagy_auth._secret_input import checked_secret, read_secret
from dagy_auth._static_source import StaticTokenSource
from dagy_auth._stored_source import StoredTokenSource
from dagy_types import TokenSource
from dagy_types.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ResolvedSource:
    """Where tokens come from.

    Attributes:
        description: The place, for people; never a value.
    """

    source: TokenSource
    description: str


def resolve_token_source(
    origin: str,
    *,
    environ: Mapping[str, str],
    stored: Callable[[], StoredTokenSource],
    explicit: Secret | None = None,
    prefix: str = "DAGY",
) -> ResolvedSource:
    """Return the first of: an explicit token, one in a variable, one in a file, the stored login.

    The variables are ``{prefix}_TOKEN`` and ``{prefix}_TOKEN_FILE``, which holds a path; an empty
    one counts as absent.

    Args:
        origin: The server's URL, or only the origin of it. No token is sent elsewhere.
        stored: Gives the source of the stored login; called only when nothing else is there, so
            that no other token costs a call of a keyring.
        explicit: A token that the caller was given, such as by `read_secret`.

    Raises:
        ConfigError: When the variable or the file is there and holds no token.
        DagyError: What ``stored`` raises.
    """
    # 1. What the caller was given
    if explicit is not None:
        return _static(explicit, origin=origin, description="an explicit argument")
    # 2. The token in a variable
    variable = f"{prefix}_TOKEN"
    if environ.get(variable):
        secret = checked_secret(Secret(environ[variable]), description=variable)
        return _static(secret, origin=origin, description=variable)
    # 3. The path in a variable
    variable = f"{prefix}_TOKEN_FILE"
    if environ.get(variable):
        secret, description = _from_file(Path(environ[variable]), variable=variable)
        return _static(secret, origin=origin, description=description)
    # 4. The stored login
    source = stored()
    return ResolvedSource(source, source.description)


def _static(secret: Secret, *, origin: str, description: str) -> ResolvedSource:
    source = StaticTokenSource(
        secret,
        origin=origin,
        description=f"The token from {description}",
        hint="Give another token, or none to use the stored login.",
    )
    return ResolvedSource(source, description)


def _from_file(path: Path, *, variable: str) -> tuple[Secret, str]:
    description = f"{path} ({variable})"
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            secret = read_secret(file, description=description)
    except OSError as error:
        raise ConfigError(
            f"No token can be read from {description}: {error.strerror}.",
            hint=f"Correct {variable}, or unset it to use the stored login.",
        ) from None
    # Mounted secrets are often readable by all and cannot be changed, so that is told, not refused.
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        description += f", which others can read (mode {mode:o})"
    return secret, description
