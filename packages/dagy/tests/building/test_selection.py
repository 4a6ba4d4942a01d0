from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy.building import LeftOut
from dagy.building._patterns import pattern_of
from dagy.building._selection import is_requirements, may_enter, select_files
from dagy_types.errors import ArtifactError, UsageError

TREE = [
    *("etl.py", "helpers/__init__.py", "helpers/load.py", "requirements.txt", "pyproject.toml"),
    *("README.md", "sql/load.sql", "sql/.env", "sql/old.zip", "data/a.csv", "data/b.csv"),
    *(".git/config", ".git/hook.py", "__pycache__/etl.py", "build/lib/etl.py", "dist/model.bin"),
    *(".hidden.py", ".streamlit/config.toml", "tls.key", "helpers/requirements.txt"),
]
PYTHON = ["etl.py", "helpers/__init__.py", "helpers/load.py", "pyproject.toml", "requirements.txt"]


def chosen(*patterns: str, paths: list[str] = TREE, allowed: tuple[str, ...] = ()) -> list[str]:
    selection = select_files(
        paths, entry="etl.py", patterns=[pattern_of(each) for each in patterns], allowed=allowed
    )
    return list(selection.paths)


def test_python_files_and_requirements_go_in_and_junk_stays_out() -> None:
    assert chosen() == PYTHON


def test_what_a_pattern_names_goes_in() -> None:
    assert chosen("data/*.csv") == sorted([*PYTHON, "data/a.csv", "data/b.csv"])
    assert chosen("README.md") == sorted([*PYTHON, "README.md"])


def test_junk_goes_in_only_by_its_very_name() -> None:
    assert "dist/model.bin" not in chosen("**/*")
    assert "dist/model.bin" in chosen("dist/model.bin")
    assert ".streamlit/config.toml" in chosen(".streamlit/*.toml")
    assert may_enter("dist", [pattern_of("dist/*")])
    assert not may_enter("dist", [pattern_of("**")])


def test_some_things_never_go_in() -> None:
    assert not any(path.startswith((".git", "__pycache__")) for path in chosen("**"))
    assert not may_enter(".git", [pattern_of(".git/config")])
    with pytest.raises(UsageError, match=r"'\.git/config' matches no file"):
        chosen(".git/config")


def test_a_wildcard_leaves_out_secrets_and_archives_and_says_so() -> None:
    """SEC-13."""
    patterns = [pattern_of("sql"), pattern_of("*.key")]
    selection = select_files([*TREE, "sql/tls.pem"], entry="etl.py", patterns=patterns)
    assert selection.left_out == (
        LeftOut("sql/old.zip", "an archive"),
        LeftOut("sql/tls.pem", "a file that may hold secrets"),
        LeftOut("tls.key", "a file that may hold secrets"),
    )
    assert "sql/load.sql" in selection.paths


def test_to_name_a_file_with_secrets_is_refused_unless_it_is_allowed() -> None:
    """SEC-13."""
    with pytest.raises(ArtifactError, match=r"tls\.key cannot be packed: it is a file that may"):
        chosen("tls.key")
    assert "tls.key" in chosen("tls.key", allowed=("tls.key",))
    with pytest.raises(ArtifactError, match=r"sql/old\.zip cannot be packed: it is an archive"):
        chosen("sql/old.zip", allowed=("sql/old.zip",))


def test_a_pattern_that_matches_nothing_is_told() -> None:
    with pytest.raises(UsageError, match="'sqll' matches no file that can be packed"):
        chosen("sqll")


def test_the_file_of_the_flow_goes_in_whatever_its_name_is() -> None:
    selection = select_files([".etl.py"], entry=".etl.py")
    assert selection.paths == (".etl.py",)


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (["etl.py", "a\nb.py"], "its name has characters that cannot be seen"),
        (["etl.py", "aux.py"], "its name has a part that is a device on Windows"),
        (["etl.py", "\udcff.py"], "its name is not UTF-8"),
        (["etl.py", "a:b.py"], "its name has ':' in it"),
        (["etl.py", "ETL.py"], "cannot both be packed"),
    ],
)
def test_names_that_others_could_not_unpack_are_refused(paths: list[str], told: str) -> None:
    with pytest.raises(ArtifactError, match=told):
        chosen(paths=paths)


@given(paths=st.permutations(TREE))
def test_the_order_in_which_files_are_found_makes_no_difference(paths: list[str]) -> None:
    """SEC-12."""
    assert chosen("sql", paths=paths) == chosen("sql")


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "pyproject.toml", "uv.lock", "pylock.toml"]
)
def test_files_that_say_what_to_install_are_known(name: str) -> None:
    assert is_requirements(name)
    assert not is_requirements(f"docs/{name}")
