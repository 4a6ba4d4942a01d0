from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_TOOLS = Path(__file__).parents[1]
_PYPROJECT = """\
[project]
name = "{name}"
version = "{version}"
license = "Apache-2.0"
requires-python = ">=3.10"
dependencies = [{dependencies}]
"""


class Tree:
    """A small tree of packages on which the tools find nothing, until a test spoils it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add_package(self, name: str, *requirements: str, version: str = "0.1.0") -> None:
        directory, import_name = f"packages/{name}", name.replace("-", "_")
        dependencies = ", ".join(f'"{requirement}"' for requirement in requirements)
        self.write(
            f"{directory}/pyproject.toml",
            _PYPROJECT.format(name=name, version=version, dependencies=dependencies),
        )
        self.write(f"{directory}/README.md", f"# {name}\n")
        self.write(f"{directory}/LICENSE", "Free.\n")
        self.write(f"{directory}/CHANGELOG.md", f"# Changelog\n\n## {version}\n\n- First.\n")
        self.write(f"{directory}/src/{import_name}/py.typed", "")
        self.write(f"{directory}/src/{import_name}/__init__.py", "")
        self.write(f"{directory}/tests/test_it.py", "")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def remove(self, name: str) -> None:
        (self.root / name).unlink()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Two packages: upper imports lower and requires it, and tabulate, as it should."""
    tree = Tree(tmp_path)
    tree.write("LICENSE", "Free.\n")
    tree.add_package("lower")
    tree.add_package("an-upper", "lower>=0.1,<0.2", "tabulate>=0.9")
    tree.write("packages/an-upper/src/an_upper/__init__.py", "from lower import x\n")
    tree.write("tox.ini", "[testenv]\ndeps =\n    oldest: tabulate==0.9.0\n")
    return tree


@pytest.fixture
def run_tool(tree: Tree) -> Callable[[str], tuple[int, list[str]]]:
    """Run a tool on the tree; return its exit status and its lines."""

    def run(name: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            [sys.executable, str(_TOOLS / name), str(tree.root)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    return run
