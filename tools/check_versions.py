"""Check that the packages' versions, changelogs, files and requirements of each other agree.

    python tools/check_versions.py [ROOT]

Each finding is one line. The exit status is 1 when there are any.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from check_imports import imports_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # in the lint environment

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(.*)")
_RANGE = re.compile(r">=(\d+(?:\.\d+)+),<(\d+(?:\.\d+)*)")
_FLOOR = re.compile(r">=(\d+(?:\.\d+)*)")
_OLDEST_PIN = re.compile(r"^\s*oldest:\s*([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)
_CHANGELOG_HEADING = re.compile(r"^##\s+(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Package:
    """One directory under packages/ and the ``[project]`` table of its pyproject.toml."""

    root: Path
    directory: Path
    project: dict[str, Any]

    @property
    def place(self) -> str:
        """Where it is, as findings name it."""
        return self.directory.relative_to(self.root).as_posix()

    @property
    def name(self) -> str:
        """The normalised name of the distribution."""
        return _normalised(self.project["name"])

    @property
    def source(self) -> Path:
        """The directory that is imported."""
        return self.directory / "src" / self.name.replace("-", "_")

    @property
    def version(self) -> tuple[int, ...] | None:
        """The version as numbers; ``None`` when it is not a static ``major.minor.patch``."""
        text = str(self.project.get("version", ""))
        return _numbers(text) if _VERSION.fullmatch(text) else None

    @property
    def requirements(self) -> dict[str, str]:
        """From the normalised name of each dependency to its version range, without spaces."""
        return _ranges(self.project.get("dependencies", []))

    @property
    def all_requirements(self) -> dict[str, str]:
        """The same, with those of the extras."""
        extras = self.project.get("optional-dependencies", {}).values()
        return _ranges([text for extra in extras for text in extra]) | self.requirements


def read_packages(root: Path) -> list[Package]:
    """Read every packages/*/pyproject.toml, in the order of their names."""
    return [
        Package(root, path.parent, tomllib.loads(path.read_text(encoding="utf-8"))["project"])
        for path in sorted(root.glob("packages/*/pyproject.toml"))
    ]


def findings(root: Path) -> Iterator[str]:
    """Yield one line for each disagreement in the tree."""
    packages = read_packages(root)
    if not packages:
        yield "packages: there is no package here"
    for package in packages:
        yield from _file_findings(package)
        yield from _version_findings(package)
        yield from _sibling_findings(package, packages)
    for field in ("license", "requires-python"):
        yield from _agreement_findings(packages, field)
    yield from _oldest_findings(root, packages)


def _file_findings(package: Package) -> Iterator[str]:
    for needed in (package.directory / "README.md", package.source / "py.typed"):
        if not needed.is_file():
            yield f"{package.place}: {needed.relative_to(package.directory)} is missing"
    licence = package.directory / "LICENSE"
    if not licence.is_file() or licence.read_bytes() != (package.root / "LICENSE").read_bytes():
        yield f"{package.place}: LICENSE is not a copy of the one at the root"
    if not any(package.directory.glob("tests/**/test_*.py")):
        yield f"{package.place}: tests/ holds no test_*.py"


def _version_findings(package: Package) -> Iterator[str]:
    version = package.project.get("version")
    if package.version is None:
        yield (
            f"{package.place}: version {version!r} is not a static MAJOR.MINOR.PATCH"
            " in pyproject.toml"
        )
    changelog = package.directory / "CHANGELOG.md"
    if not changelog.is_file():
        yield f"{package.place}: CHANGELOG.md is missing"
        return
    heading = _CHANGELOG_HEADING.search(changelog.read_text(encoding="utf-8"))
    newest = _VERSION.search(heading[1]) if heading else None
    if newest is None or newest[0] != version:
        shown = repr(heading[0]) if heading else "absent"
        yield (
            f"{package.place}: the newest heading of CHANGELOG.md is {shown},"
            f" and the version is {version}"
        )


def _sibling_findings(package: Package, packages: Sequence[Package]) -> Iterator[str]:
    imported = {
        found.package for path in package.source.rglob("*.py") for found in imports_of(path)
    }
    for sibling in packages:
        if sibling is package:
            continue
        is_imported = sibling.source.name in imported
        is_declared = sibling.name in package.all_requirements
        if is_imported and not is_declared:
            yield f"{package.place}: imports {sibling.source.name}, does not declare {sibling.name}"
        if is_declared and not is_imported:
            yield f"{package.place}: declares {sibling.name}, imports nothing of it"
        if is_declared:
            yield from _range_findings(package, sibling)


def _range_findings(package: Package, sibling: Package) -> Iterator[str]:
    if sibling.version is None:
        return  # reported with the sibling
    text = package.all_requirements[sibling.name]
    bounds = _RANGE.fullmatch(text)
    ceiling = _next_breaking(sibling.version)
    current = ".".join(map(str, sibling.version))
    if bounds is None:
        yield (
            f"{package.place}: requires {sibling.name}{text or ' of any version'},"
            f" which is not of the form >=A.B,<{ceiling}"
        )
    elif _numbers(bounds[1]) > sibling.version:
        yield f"{package.place}: requires {sibling.name}{text}, which excludes the tree's {current}"
    elif _numbers(bounds[2]) != _numbers(ceiling):
        yield (
            f"{package.place}: requires {sibling.name}{text}; with {current} in the tree"
            f" the bound is <{ceiling}"
        )


def _agreement_findings(packages: Sequence[Package], field: str) -> Iterator[str]:
    for package in packages:
        value, first = (each.project.get(field) for each in (package, packages[0]))
        if value is None:
            yield f"{package.place}: {field} is missing"
        elif value != first:
            yield f"{package.place}: {field} is {value!r}, in {packages[0].place} {first!r}"


def _oldest_findings(root: Path, packages: Sequence[Package]) -> Iterator[str]:
    """Compare what tox.ini installs as the oldest versions with what the packages declare."""
    siblings = {package.name for package in packages}
    floors = {
        (name, _trimmed(floor[1]))
        for package in packages
        for name, text in package.requirements.items()
        if name not in siblings and (floor := _FLOOR.match(text))
    }
    tox = root / "tox.ini"
    text = tox.read_text(encoding="utf-8") if tox.is_file() else ""
    pins = {(_normalised(name), _trimmed(pin)) for name, pin in _OLDEST_PIN.findall(text)}
    for name, version in sorted(floors - pins):
        yield f"tox.ini: no oldest environment pins {name} to its declared floor {version}"
    for name, version in sorted(pins - floors):
        yield f"tox.ini: pins {name}=={version} as oldest, which is no package's declared floor"


def _ranges(texts: Sequence[str]) -> dict[str, str]:
    found = (_REQUIREMENT.match(text) for text in texts)
    return {_normalised(m[1]): m[2].replace(" ", "").partition(";")[0] for m in found if m}


def _next_breaking(version: tuple[int, ...]) -> str:
    major, minor = version[:2]
    return f"0.{minor + 1}" if major == 0 else str(major + 1)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _trimmed(text: str) -> str:
    """Return the version without final zeros: 0.9 and 0.9.0 are the same."""
    return re.sub(r"(\.0)+$", "", text)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    """Print the findings; return 1 when there are any."""
    root = Path(arguments[0]) if arguments else Path(__file__).parents[1]
    lines = list(findings(root))
    print("\n".join(lines) or "Versions, changelogs and requirements agree.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
