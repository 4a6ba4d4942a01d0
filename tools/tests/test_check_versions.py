from __future__ import annotations

import pytest

LOWER = "packages/lower"
UPPER = "packages/an-upper"


@pytest.fixture
def check(run_tool):
    """Run the tool; return its findings, after a look at the exit status."""

    def run():
        status, lines = run_tool("check_versions.py")
        if status == 0:
            assert lines == ["Versions, changelogs and requirements agree."]
            return []
        assert status == 1
        return lines

    return run


def test_nothing_is_found_where_all_agree(check):
    assert check() == []


def test_the_upper_bound_is_the_next_major_version_from_1_0_on(tree, check):
    tree.add_package("lower", version="1.4.2")
    tree.replace(f"{UPPER}/pyproject.toml", "lower>=0.1,<0.2", "lower>=1.2,<2")
    assert check() == []


def test_a_lower_bound_may_reach_back_over_a_breaking_version(tree, check):
    tree.add_package("lower", version="0.2.0")
    tree.replace(f"{UPPER}/pyproject.toml", "lower>=0.1,<0.2", "lower >= 0.1, < 0.3")
    assert check() == []


@pytest.mark.parametrize("version", ["0.1", "v0.1.0", "0.01.0", "0.1.0.dev1"])
def test_a_version_that_is_not_major_minor_patch_is_found(tree, check, version):
    tree.replace(f"{LOWER}/pyproject.toml", '"0.1.0"', f'"{version}"')
    assert (
        f"{LOWER}: version '{version}' is not a static MAJOR.MINOR.PATCH in pyproject.toml"
        in check()
    )


def test_a_version_from_elsewhere_is_found(tree, check):
    tree.replace(f"{LOWER}/pyproject.toml", 'version = "0.1.0"', 'dynamic = ["version"]')
    assert f"{LOWER}: version None is not a static MAJOR.MINOR.PATCH in pyproject.toml" in check()


def test_a_changelog_that_lacks_the_newest_version_is_found(tree, check):
    tree.replace(f"{LOWER}/pyproject.toml", '"0.1.0"', '"0.1.1"')
    assert check() == [
        f"{LOWER}: the newest heading of CHANGELOG.md is '## 0.1.0', and the version is 0.1.1"
    ]


def test_only_the_newest_heading_of_a_changelog_counts(tree, check):
    tree.write(f"{LOWER}/CHANGELOG.md", "# Changelog\n\n## 0.2.0\n\n## 0.1.0\n")
    assert check() == [
        f"{LOWER}: the newest heading of CHANGELOG.md is '## 0.2.0', and the version is 0.1.0"
    ]


def test_a_date_beside_the_version_is_welcome(tree, check):
    tree.write(f"{LOWER}/CHANGELOG.md", "# Changelog\n\n## 0.1.0 (2026-11-23)\n")
    assert check() == []


def test_a_changelog_without_a_heading_is_found(tree, check):
    tree.write(f"{LOWER}/CHANGELOG.md", "# Changelog\n")
    assert check() == [
        f"{LOWER}: the newest heading of CHANGELOG.md is absent, and the version is 0.1.0"
    ]


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "src/lower/py.typed"])
def test_a_missing_file_is_found(tree, check, name):
    tree.remove(f"{LOWER}/{name}")
    assert check() == [f"{LOWER}: {name} is missing"]


def test_a_licence_that_is_missing_or_another_one_is_found(tree, check):
    expected = [f"{LOWER}: LICENSE is not a copy of the one at the root"]
    tree.write(f"{LOWER}/LICENSE", "Mine.\n")
    assert check() == expected
    tree.remove(f"{LOWER}/LICENSE")
    assert check() == expected


def test_a_package_without_tests_is_found(tree, check):
    tree.remove(f"{LOWER}/tests/test_it.py")
    assert check() == [f"{LOWER}: tests/ holds no test_*.py"]


@pytest.mark.parametrize("requirement", ["lower", "lower==0.1.0", "lower>=0.1", "lower~=0.1"])
def test_a_sibling_without_a_range_is_found(tree, check, requirement):
    tree.replace(f"{UPPER}/pyproject.toml", "lower>=0.1,<0.2", requirement)
    [finding] = check()
    assert finding.startswith(f"{UPPER}: requires {requirement}")
    assert finding.endswith("which is not of the form >=A.B,<0.2")


def test_a_range_that_excludes_the_sibling_in_the_tree_is_found(tree, check):
    tree.replace(f"{UPPER}/pyproject.toml", "lower>=0.1,<0.2", "lower>=0.1.1,<0.2")
    assert check() == [f"{UPPER}: requires lower>=0.1.1,<0.2, which excludes the tree's 0.1.0"]


@pytest.mark.parametrize("upper_bound", ["0.3", "1", "0.1"])
def test_an_upper_bound_that_is_not_the_next_breaking_version_is_found(tree, check, upper_bound):
    tree.replace(f"{UPPER}/pyproject.toml", "<0.2", f"<{upper_bound}")
    assert check() == [
        f"{UPPER}: requires lower>=0.1,<{upper_bound}; with 0.1.0 in the tree the bound is <0.2"
    ]


def test_an_imported_sibling_that_is_not_declared_is_found(tree, check):
    tree.replace(f"{UPPER}/pyproject.toml", '"lower>=0.1,<0.2", ', "")
    assert check() == [f"{UPPER}: imports lower, does not declare lower"]


def test_a_sibling_imported_inside_a_function_counts(tree, check):
    tree.write(f"{LOWER}/src/lower/deep/module.py", "def f():\n    import an_upper.x\n")
    assert check() == [f"{LOWER}: imports an_upper, does not declare an-upper"]


def test_a_sibling_may_be_declared_in_an_extra(tree, check):
    pyproject = f"{UPPER}/pyproject.toml"
    extra = '["tabulate>=0.9"]\n\n[project.optional-dependencies]\nmore = ["lower>=0.1,<0.3"]'
    tree.replace(pyproject, '["lower>=0.1,<0.2", "tabulate>=0.9"]', extra)
    assert check() == [
        f"{UPPER}: requires lower>=0.1,<0.3; with 0.1.0 in the tree the bound is <0.2"
    ]
    tree.replace(pyproject, "<0.3", "<0.2")
    assert check() == []


def test_a_declared_sibling_that_is_not_imported_is_found(tree, check):
    tree.write(f"{UPPER}/src/an_upper/__init__.py", "")
    assert check() == [f"{UPPER}: declares lower, imports nothing of it"]


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [("license", "Apache-2.0", "MIT"), ("requires-python", ">=3.10", ">=3.11")],
)
def test_packages_that_disagree_are_found(tree, check, field, old, new):
    tree.replace(f"{LOWER}/pyproject.toml", f'"{old}"', f'"{new}"')
    assert check() == [f"{LOWER}: {field} is '{new}', in {UPPER} '{old}'"]


def test_a_package_without_a_license_is_found(tree, check):
    tree.replace(f"{LOWER}/pyproject.toml", 'license = "Apache-2.0"\n', "")
    assert check() == [f"{LOWER}: license is missing"]


def test_a_floor_that_no_oldest_environment_tests_is_found(tree, check):
    tree.replace(f"{UPPER}/pyproject.toml", "tabulate>=0.9", "tabulate>=0.9.1")
    assert check() == [
        "tox.ini: no oldest environment pins tabulate to its declared floor 0.9.1",
        "tox.ini: pins tabulate==0.9 as oldest, which is no package's declared floor",
    ]


def test_a_tree_without_packages_is_found(tree, check):
    for path in tree.root.glob("packages/*/pyproject.toml"):
        path.unlink()
    assert "packages: there is no package here" in check()
