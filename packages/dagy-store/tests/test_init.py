from __future__ import annotations

import subprocess
import sys

import pytest

import dagy_store


def test_all_lists_the_public_names_in_order() -> None:
    assert dagy_store.__all__ == sorted(dagy_store.__all__)
    assert all(hasattr(dagy_store, name) for name in dagy_store.__all__)
    assert set(dagy_store.__all__) <= set(dir(dagy_store))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = dagy_store.nothing


def test_the_import_loads_nothing_but_the_standard_library_and_the_types() -> None:
    program = (
        "import sys; before = set(sys.modules); import dagy_store; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert loaded - sys.stdlib_module_names == {"dagy_store", "dagy_types"}
    assert loaded.isdisjoint({"asyncio", "importlib.metadata", "sqlite3", "subprocess"})
