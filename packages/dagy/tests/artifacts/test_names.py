from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy.artifacts._names import name_clash, name_problem


@pytest.mark.parametrize(
    "name", ["etl.py", "src/a b.txt", "src/..a", "src/.hidden", "src/café.py", "src/console.py"]
)
def test_names_that_mean_one_file_everywhere_are_fine(name: str) -> None:
    assert name_problem(name) is None


@given(name=st.text(st.characters(codec="utf-8")))
def test_a_name_without_a_problem_stays_below_its_directory(name: str) -> None:
    if name_problem(name) is None:
        assert not name.startswith("/")
        assert not {"", ".", ".."} & set(name.split("/"))
        assert "\\" not in name and ":" not in name and "\0" not in name


_NAMES = st.lists(st.sampled_from("aAbß"), min_size=1, max_size=3).map("/".join)


@given(names=st.lists(_NAMES | st.sampled_from(["ss", "a b", "a-b/x", "a.b"]), max_size=6))
def test_a_clash_is_found_if_and_only_if_there_is_one(names: list[str]) -> None:
    assert (name_clash(names) is not None) == _has_clash(names)


def _has_clash(names: list[str]) -> bool:
    """The same, pair by pair."""

    def meet(one: str, other: str) -> bool:
        for a, b in zip(one.split("/"), other.split("/"), strict=False):
            if a != b:
                return a.casefold() == b.casefold()
        return True

    return any(meet(one, other) for i, one in enumerate(names) for other in names[:i])
