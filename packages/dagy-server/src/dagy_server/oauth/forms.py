"""Forms as browsers and programs send them, read strictly: each value decides something."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from dagy_types.errors import UsageError

CONTENT_TYPE = "application/x-www-form-urlencoded"

_MOST_FIELDS = 30
LONGEST_VALUE = 4_096

Form = Mapping[str, str]


def read_form(encoded: bytes | str) -> Form:
    """Return the fields of a form or of a query; one that is empty counts as missing.

    Raises:
        UsageError: When a field comes twice or is too long, or the whole is not readable.
    """
    try:
        # What is no ASCII should have been encoded; urllib would read it as it is.
        text = encoded.decode("ascii") if isinstance(encoded, bytes) else encoded
        pairs = parse_qsl(
            text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError:
        raise UsageError("The form cannot be read.", hint="Send fewer fields, in UTF-8.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise UsageError("A field of the form comes twice.", hint="Send each of them once.")
    if any(len(value) > LONGEST_VALUE for value in fields.values()):
        raise UsageError(
            "A field of the form is too long.", hint=f"Send up to {LONGEST_VALUE} characters."
        )
    return {name: value for name, value in fields.items() if value}
