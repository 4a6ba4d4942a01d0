"""Where tokens are kept, and whether that works."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_auth import CredentialStores
from dagy_cli.accounts import SERVICE, token_variable
from dagy_cli.config_file import settings_of
from dagy_cli.doctor.finding import Finding
from dagy_cli.profiles import Flags
from dagy_store import local_directory
from dagy_types.errors import CredentialStoreError, DagyError

_WHAT = "credentials"


def credentials(environ: Mapping[str, str], profile: str | None) -> list[Finding]:
    """Return where the token of the profile is or would be, and whether that place answers."""
    variable = token_variable(environ)
    if variable is not None:
        return [Finding(_WHAT, "ok", f"The token is in {variable}; no keyring is asked")]
    try:
        settings = settings_of(Flags(profile=profile), environ)
        directory = local_directory(environ)
        stores = CredentialStores(directory, storage=settings.storage, service=SERVICE)
    except DagyError as error:
        return [Finding(_WHAT, "problem", error.message, error.hint)]
    name, refused = settings.login_name, ""
    for store in stores:
        try:
            is_there = name in store.names()
            if store.is_encrypted or directory.exists():  # looking for a file must not make one
                store.probe()
        except CredentialStoreError as error:
            refused = error.message
            continue
        kind = "encrypted" if store.is_encrypted else "not encrypted"
        login = f"has the login {name!r}" if is_there else "is where a login would go"
        fallback = "" if not refused else f" ({refused})"
        return [Finding(_WHAT, "ok", f"{store.location}, {kind}, {login}{fallback}")]
    hint = "Run: dagy login --storage file, or set DAGY_TOKEN."
    return [Finding(_WHAT, "problem", refused, hint)]
