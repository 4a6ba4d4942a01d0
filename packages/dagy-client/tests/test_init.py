from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dagy_client
import dagy_client.testing

SOURCE = Path(dagy_client.__file__).parent
HEAVY = {"asyncio", "httpx", "pydantic", "logging", "email"}


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
    """HTTP-18."""
    assert modules_after("import dagy_client") - modules_after("") == {"dagy_client"}


def test_all_names_together_load_nothing_heavy() -> None:
    """HTTP-18."""
    loaded = modules_after("from dagy_client import *")
    assert loaded - sys.stdlib_module_names - modules_after("") == {"dagy_client", "dagy_types"}
    assert loaded.isdisjoint({"asyncio", "httpx", "pydantic"})


def test_a_blocking_client_needs_pydantic_only_for_an_answer() -> None:
    program = "import dagy_client; dagy_client.DagyClient('https://a.test').close()"
    assert "pydantic" not in modules_after(program)


def test_all_lists_the_public_names_in_order() -> None:
    rank = {name: (not name.isupper(), not name[0].isupper(), name) for name in dagy_client.__all__}
    assert dagy_client.__all__ == sorted(dagy_client.__all__, key=rank.__getitem__)
    assert set(dagy_client.__all__) <= set(dir(dagy_client))
    for name in dagy_client.__all__:
        assert getattr(dagy_client, name) is not None


def test_what_type_checkers_see_is_what_is_there() -> None:
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    imported = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if node.module != "importlib"
    }
    assert set(imported) | {"__version__"} == set(dagy_client.__all__)
    modules = {name: dagy_client._MODULES.get(name, "errors") for name in imported}
    assert imported == {name: f"dagy_client.{module}" for name, module in modules.items()}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = dagy_client.nothing
    with pytest.raises(ImportError):
        from dagy_client import nothing  # noqa: F401


def test_every_public_name_is_documented() -> None:
    for module in (dagy_client, dagy_client.testing):
        for name in set(module.__all__) - {"OPERATIONS", "Fault", "__version__"}:
            thing = getattr(module, name)
            assert thing.__doc__, name
            for member, value in vars(thing).items() if isinstance(thing, type) else ():
                if callable(value) and not member.startswith("_"):
                    assert value.__doc__, f"{name}.{member}"


def importers(name: str) -> set[str]:
    """Return the files of the package that import a module, or what is inside."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules.append(node.module or "")
            if any(module == name or module.startswith(f"{name}.") for module in modules):
                found.add(str(path.relative_to(SOURCE)))
    return found


@pytest.mark.parametrize(
    ("library", "modules"),
    [
        # The second is a double of httpx's own transport, for tests.
        ("httpx", {"_httpx.py", "testing/_transport.py"}),
        ("pydantic", {"_codec.py"}),
        ("dagy_auth", set()),
        ("dagy_store", set()),
    ],
)
def test_each_library_is_known_to_one_module(library: str, modules: set[str]) -> None:
    assert importers(library) == modules


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert dagy_client.__version__ == version("dagy-client")


def test_the_import_takes_no_longer_than_eight_bare_starts() -> None:
    """HTTP-18."""

    def best_of(program: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best_of("import dagy_client") < 8 * best_of("pass")
