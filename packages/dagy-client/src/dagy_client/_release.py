"""Which release this is, and what it says of itself."""

from __future__ import annotations

import re

from dagy_types.errors import UsageError

_NOT_INSTALLED = "0"
_PRODUCT = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


def release() -> str:
    """Return the version of the installed distribution; of a mere copy of the source, ``0``."""
    # Reading package metadata takes a while, so only who asks pays for it.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("dagy-client")
    except PackageNotFoundError:
        return _NOT_INSTALLED


def user_agent(version: str, product: str | None = None) -> str:
    """Return how the client introduces itself (RFC 9110, section 10.1.5).

    Args:
        product: The program that uses it, which comes first.

    Raises:
        UsageError: When that is no product.
    """
    import platform

    if product is not None and not _PRODUCT.fullmatch(product):
        raise UsageError(f"product is {product!r}.", hint="Give a name and a version: my-tool/1.0.")
    products = [*([] if product is None else [product]), f"dagy-client/{version}"]
    python = f"python/{platform.python_version()}"
    return " ".join([*products, python, f"{platform.system().lower()}/{platform.machine()}"])
