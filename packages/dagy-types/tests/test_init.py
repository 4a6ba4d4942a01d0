from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import dagy_types


def test_all_lists_the_public_names_in_order() -> None:
    public = [
        name
        for name, value in vars(dagy_types).items()
        if not name.startswith("_")
        and (not isinstance(value, ModuleType) or value is dagy_types.errors)
    ]
    assert dagy_types.__all__ == sorted(public, key=lambda name: (_rank(name), name))


def test_the_import_loads_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import dagy_types; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "dagy_types" in loaded
    assert loaded - sys.stdlib_module_names == {"dagy_types"}


def _rank(name: str) -> int:
    """Constants, then classes, then the rest: the order that the linter keeps."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2
