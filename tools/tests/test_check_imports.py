from __future__ import annotations

import pytest


@pytest.fixture
def check(run_tool):
    """Run the tool; return its findings, after a look at the exit status."""

    def run():
        status, lines = run_tool("check_imports.py")
        if status == 0:
            assert lines == ["No private name of a sibling is imported."]
            return []
        assert status == 1
        return lines

    return run


def test_nothing_is_found_where_only_public_names_are_imported(check):
    assert check() == []


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import lower._rows", "lower._rows"),
        ("import lower._rows as rows", "lower._rows"),
        ("from lower import _rows", "lower._rows"),
        ("from lower._rows import Row", "lower._rows.Row"),
        ("from lower.rows import _Row", "lower.rows._Row"),
        ("def f():\n    from lower import _rows", "lower._rows"),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "packages/an-upper/src/an_upper/a.py",
        "packages/an-upper/tests/test_it.py",
        "tests-integration/test_it.py",
        "tools/bench/a.py",
    ],
)
def test_a_private_name_of_a_sibling_is_found_in(tree, check, place, statement, name):
    tree.write(place, statement + "\n")
    line = 1 + statement.count("\n")
    assert check() == [f"{place}:{line}: {name} is private to lower"]


def test_a_name_that_only_annotations_use_is_found(tree, check):
    place = "packages/an-upper/src/an_upper/a.py"
    tree.write(place, "from lower._rows import Row\n\n\ndef f(row: Row) -> None: ...\n")
    assert check() == [f"{place}:1: lower._rows.Row is private to lower"]


@pytest.mark.parametrize(
    "place", ["packages/lower/src/lower/a.py", "packages/lower/tests/test_rows.py"]
)
def test_a_package_and_its_tests_may_use_its_own_private_names(tree, check, place):
    tree.write(place, "from lower._rows import Row\n")
    assert check() == []


@pytest.mark.parametrize(
    "statement",
    ["from lower import __version__", "import lower.__main__", "from _thread import x", "import y"],
)
def test_other_names_are_nobody_elses_private_names(tree, check, statement):
    tree.write("packages/an-upper/src/an_upper/a.py", statement + "\n")
    assert check() == []
