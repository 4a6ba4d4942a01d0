from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dagy_auth
import dagy_auth.testing

SOURCE = Path(dagy_auth.__file__).parent
ALIASES = {"Notice", "Notify", "OpenBrowser", "ReadRedirect"}
HEAVY = {"asyncio", "authlib", "cryptography", "httpx", "keyring", "webbrowser"}


def modules_after(program: str) -> set[str]:
    """Return the top-level modules that a program leaves loaded in a new process."""
    show = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{show}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_the_import_loads_next_to_nothing() -> None:
    """AUTH-25: a bare interpreter has all but a few modules of these."""
    loaded = modules_after("import dagy_auth") - modules_after("")
    assert loaded == {"dagy_auth"}


def test_all_names_together_load_nothing_heavy() -> None:
    """AUTH-25."""
    loaded = modules_after("from dagy_auth import *")
    assert loaded - sys.stdlib_module_names - modules_after("") == {"dagy_auth", "dagy_types"}
    assert loaded.isdisjoint(HEAVY)


def test_all_lists_the_public_names_in_order() -> None:
    assert dagy_auth.__all__ == sorted(dagy_auth.__all__)
    for name in dagy_auth.__all__:
        assert getattr(dagy_auth, name).__module__.startswith("dagy_auth._") or name in ALIASES
    assert set(dagy_auth.__all__) < set(dir(dagy_auth))


def test_what_type_checkers_see_is_what_is_there() -> None:
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    imported = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if node.module != "importlib"
    }
    assert sorted(imported) == dagy_auth.__all__
    assert imported == {name: f"dagy_auth.{module}" for name, module in dagy_auth._MODULES.items()}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = dagy_auth.nothing
    with pytest.raises(ImportError):
        from dagy_auth import nothing  # noqa: F401


def test_every_public_name_is_documented() -> None:
    """AUTH-25."""
    for module in (dagy_auth, dagy_auth.testing):
        for name in set(module.__all__) - ALIASES:
            thing = getattr(module, name)
            assert thing.__doc__, name
            for member, value in vars(thing).items() if isinstance(thing, type) else ():
                if callable(value) and not member.startswith("_"):
                    assert value.__doc__, f"{name}.{member}"


def imports_of(path: Path) -> set[str]:
    """Return the modules that a file imports, wherever in it that stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def importers(*names: str) -> set[str]:
    """Return the files of the package that import one of these modules, or what is inside."""
    return {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(
            module == name or module.startswith(f"{name}.")
            for module in imports_of(path)
            for name in names
        )
    }


def test_claims_that_nobody_has_verified_are_read_for_display_and_for_an_expiry_only() -> None:
    """AUTH-19: no module that decides about a token, an origin or a login is among these."""
    assert importers("dagy_auth._claims") == {
        "_legacy_callback.py",
        "_static_token.py",
        "_token_response.py",
    }


@pytest.mark.parametrize(
    ("library", "modules"),
    [
        ("httpx", {"_http.py"}),
        ("authlib", {"_wire.py"}),
        ("keyring", {"_keyring_backend.py"}),
        ("cryptography", {"_envelope.py"}),
    ],
)
def test_each_library_is_known_to_one_module(library: str, modules: set[str]) -> None:
    assert importers(library) == modules


def test_nothing_of_flows_or_runs_is_known_here() -> None:
    assert importers("dagy", "dagy_store", "dagy_client", "dagy_cli", "dagy_server") == set()
