from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import dagy_types


def test_all_lists_the_public_names_in_order() -> None:
    for name in dagy_types.__all__:
        getattr(dagy_types, name)
    public = [
        name
        for name, value in vars(dagy_types).items()
        if not name.startswith("_")
        and name != "TYPE_CHECKING"
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


def test_what_only_servers_and_clients_need_is_loaded_when_it_is_used() -> None:
    program = (
        "import sys; import dagy_types; before = 'dagy_types._api' in sys.modules; "
        "from dagy_types import Deployment; print(before, Deployment.__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "dagy_types._api"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = dagy_types.nothing


def _rank(name: str) -> int:
    """Constants, then classes, then the rest: the order that the linter keeps."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2
