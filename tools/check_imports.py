"""Check that no package imports an underscore name of a sibling.

    python tools/check_imports.py [ROOT]

Ruff's PLC2701 lets `import sibling._module` pass, and names that only annotations use.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CODE_DIRECTORIES = ("packages", "tests-integration", "tools")


@dataclass(frozen=True)
class Import:
    """One imported name, in full: `from a import b` is ``a.b``."""

    line: int
    name: str

    @property
    def package(self) -> str:
        """The top-level package."""
        return self.name.partition(".")[0]

    @property
    def is_private(self) -> bool:
        """Whether a part of the name has a leading underscore and is not ``__dunder__``."""
        return any(
            part.startswith("_") and not part.endswith("__") for part in self.name.split(".")[1:]
        )


def imports_of(path: Path) -> Iterator[Import]:
    """Yield every absolute import of a file, wherever in the file it stands.

    Raises:
        SyntaxError: When the file is not Python.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (Import(node.lineno, f"{node.module}.{a.name}") for a in node.names)


def findings(root: Path) -> Iterator[str]:
    """Yield one line for each import of a private name from another of the tree's packages."""
    siblings = {path.name for path in root.glob("packages/*/src/*") if path.is_dir()}
    for directory in _CODE_DIRECTORIES:
        for path in sorted((root / directory).rglob("*.py")):
            own = _own_packages(root, path)
            for found in imports_of(path):
                if found.is_private and found.package in siblings - own:
                    place = f"{path.relative_to(root)}:{found.line}"
                    yield f"{place}: {found.name} is private to {found.package}"


def _own_packages(root: Path, path: Path) -> set[str]:
    top, member = path.relative_to(root).parts[:2]
    return {source.name for source in (root / top / member).glob("src/*")}


def main(arguments: list[str]) -> int:
    """Print the findings; return 1 when there are any."""
    root = Path(arguments[0]) if arguments else Path(__file__).parents[1]
    lines = list(findings(root))
    print("\n".join(lines) or "No private name of a sibling is imported.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
