"""Types by name: of some, things are known without loading their modules, which few flows need."""

from __future__ import annotations

DECIMAL = "decimal.Decimal"
UUID = "uuid.UUID"


def full_name(kind: type) -> str:
    """Return the name of a class with that of its module before it."""
    return f"{kind.__module__}.{kind.__qualname__}"
