from __future__ import annotations

from pathlib import Path

import pytest

from dagy_server.execution.requirements import Requirements, requirements_of
from dagy_types.errors import ArtifactError

_PROJECT = """
[project]
name = "etl"
dependencies = ["polars>=1", "requests[socks]==2.32 ; python_version < '3.13'"]
"""


def _found(directory: Path, **files: str) -> Requirements | None:
    """Write files whose names have __ for the dot, and return what they require."""
    names = []
    for name, text in files.items():
        names.append(f"src/{name.replace('__', '.')}")
        (directory / names[-1]).parent.mkdir(exist_ok=True)
        (directory / names[-1]).write_text(text)
    return requirements_of(directory, names)


def test_a_flow_without_such_files_requires_nothing(tmp_path: Path) -> None:
    assert requirements_of(tmp_path, []) is None


@pytest.mark.parametrize("name", ["requirements.txt", "requirements.lock"])
def test_a_list_of_requirements_goes_to_pip_as_it_is(tmp_path: Path, name: str) -> None:
    text = "# of the flow\npolars>=1\n-r more.txt\n"
    found = _found(tmp_path, **{name.replace(".", "__"): text})
    assert found == Requirements(("-r", str(tmp_path / "src" / name)), text)


def test_the_dependencies_of_a_project_go_to_pip_one_by_one(tmp_path: Path) -> None:
    found = _found(tmp_path, pyproject__toml=_PROJECT)
    first, second = "polars>=1", "requests[socks]==2.32 ; python_version < '3.13'"
    assert found == Requirements(("--", first, second), f"{first}\n{second}")


def test_no_dependency_is_an_option_of_pip(tmp_path: Path) -> None:
    text = '[project]\ndependencies = ["--index-url=http://evil.example"]\n'
    found = _found(tmp_path, pyproject__toml=text)
    assert found is not None
    assert found.arguments == ("--", "--index-url=http://evil.example")


@pytest.mark.parametrize(
    ("files", "first"),
    [
        (["requirements__lock", "requirements__txt", "pyproject__toml"], "requirements.lock"),
        (["pyproject__toml", "requirements__txt", "requirements__lock"], "requirements.lock"),
        (["pyproject__toml", "requirements__txt"], "requirements.txt"),
        (["pyproject__toml", "requirements__lock"], "requirements.lock"),
        (["uv__lock", "requirements__txt"], "requirements.txt"),
    ],
)
def test_the_most_exact_file_counts(tmp_path: Path, files: list[str], first: str) -> None:
    found = _found(tmp_path, **{name: f"{name.partition('__')[0]}==1" for name in files})
    assert found is not None
    assert found.arguments == ("-r", str(tmp_path / "src" / first))


def test_a_file_that_is_there_counts_even_if_it_says_nothing(tmp_path: Path) -> None:
    assert _found(tmp_path, requirements__txt="# none\n", pyproject__toml=_PROJECT) is None


def test_files_of_other_tools_are_passed_over(tmp_path: Path) -> None:
    assert _found(tmp_path, uv__lock="version = 1", environment__yml="name: x") is None


@pytest.mark.parametrize("text", ["", "\n", "# one\n   # two\n\t\n"])
@pytest.mark.parametrize("name", ["requirements__txt", "requirements__lock"])
def test_comments_require_nothing(tmp_path: Path, name: str, text: str) -> None:
    assert _found(tmp_path, **{name: text}) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[tool.ruff]\nline-length = 100\n",
        '[project]\nname = "etl"\n',
        "[project]\ndependencies = []\n",
    ],
)
def test_a_project_without_dependencies_requires_nothing(tmp_path: Path, text: str) -> None:
    assert _found(tmp_path, pyproject__toml=text) is None


@pytest.mark.parametrize(
    "text",
    [
        "[project\n",
        "dependencies = [1, 2",
        "project = 5\n",
        "[project]\ndependencies = 5\n",
        "[project]\ndependencies = [1]\n",
        '[project]\ndependencies = "polars"\n',
        "[project.dependencies]\npolars = '1'\n",
    ],
)
def test_a_project_that_cannot_be_understood_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ArtifactError, match=r"pyproject\.toml of the flow cannot be read") as error:
        _found(tmp_path, pyproject__toml=text)
    assert error.value.hint == "Mend it, and deploy again."


@pytest.mark.parametrize("name", ["requirements.txt", "requirements.lock", "pyproject.toml"])
def test_what_is_no_text_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"polars>=1 # \xff\n")
    with pytest.raises(ArtifactError, match=f"{name} of the flow cannot be read"):
        requirements_of(tmp_path, [name])
