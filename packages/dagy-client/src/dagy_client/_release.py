"""Which release this is, and what it says of itself."""

from __future__ import annotations

_NOT_INSTALLED = "0"


def release() -> str:
    """Return the version of the installed distribution; of a mere copy of the source, ``0``."""
    # Reading package metadata takes a while, so only who asks pays for it.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dagy-client")
    except PackageNotFoundError:
        return _NOT_INSTALLED


def user_agent(version: str) -> str:
    """Return how the client introduces itself."""
    import platform

    return (
        f"dagy-client/{version} python/{platform.python_version()} "
        f"{platform.system().lower()}/{platform.machine()}"
    )
