"""A token goes to the origin that it was obtained for, and nowhere else."""

from __future__ import annotations

from dagy_auth._origin import origin_of
from dagy_types.errors import NotLoggedInError


def require_origin(url: str, *, bound_to: str, what: str, hint: str) -> None:
    """Refuse a URL of any origin but this one.

    Args:
        bound_to: The origin, as `origin_of` gives it.
        what: What is bound to it, as the error is to call it.
        hint: What to do when it is refused.

    Raises:
        NotLoggedInError: When the URL has another scheme, host or port.
    """
    origin = origin_of(url)
    if origin != bound_to:
        raise NotLoggedInError(f"{what} is for {bound_to}, not for {origin}.", hint=hint)
