from __future__ import annotations

import re

import pytest

from dagy_types import errors


def _all_errors() -> list[type[errors.DagyError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.DagyError)
    ]


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"^([ │├└─]*)(\w+Error)\b", errors.__doc__, re.MULTILINE)
    path: list[tuple[int, type]] = [(-1, Exception)]
    for branch, name in drawn:
        while path[-1][0] >= len(branch):
            path.pop()
        error = getattr(errors, name)
        assert error.__base__ is path[-1][1]
        path.append((len(branch), error))
    assert [name for _, name in drawn] == [error.__name__ for error in _all_errors()]


def test_each_kind_of_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in _all_errors()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", _all_errors())
def test_an_error_carries_its_message_and_its_hint(kind: type[errors.DagyError]) -> None:
    error = kind("No such run: 'r1'.", hint="List the runs: dagy runs list")
    assert str(error) == error.message == "No such run: 'r1'."
    assert error.hint == "List the runs: dagy runs list"


def test_a_hint_may_be_left_out() -> None:
    assert errors.UsageError("Bad.").hint is None


def test_a_failed_task_names_its_run_and_itself() -> None:
    error = errors.TaskTimeoutError("Too slow.", hint="Wait.", run_id="r1", task_id="load")
    assert (error.run_id, error.task_id, error.hint) == ("r1", "load", "Wait.")
