"""E-mail addresses, which name the people here."""

from __future__ import annotations

import re
import unicodedata

from dagy_types.errors import UsageError

LONGEST_EMAIL = 254
"""Characters (RFC 5321 §4.5.3.1.3)."""

_EMAIL = re.compile(
    r"[^\s@\"<>(),:;\[\]\\]{1,64}@[^\s@\"<>(),:;\[\]\\.]+(\.[^\s@\"<>(),:;\[\]\\.]+)*"
)


def normal_email(text: str) -> str:
    """Return an address in the form in which it is kept and compared.

    Raises:
        UsageError: When it is no address.
    """
    email = unicodedata.normalize("NFKC", text.strip()).casefold()
    if len(email) > LONGEST_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise UsageError("Not an e-mail address.", hint="Give it as NAME@HOST.")
    return email
