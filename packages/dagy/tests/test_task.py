from __future__ import annotations

import pytest

from dagy import Task, task
from dagy_types.errors import FlowDefinitionError


def test_a_task_outside_a_flow_is_the_plain_function() -> None:
    @task
    def double(number: int) -> int:
        """Double it.

        At length.
        """
        return 2 * number

    assert isinstance(double, Task)
    assert double(4) == 8
    assert double.name == double.__name__ == "double"
    assert double.description == "Double it."
    assert repr(double) == "<Task 'double'>"


def test_name_and_description_can_be_given() -> None:
    @task(name="Twice", description="Times two")
    def double(number: int) -> int:
        return 2 * number

    assert (double.name, double.description) == ("Twice", "Times two")


def test_functions_that_give_their_results_one_by_one_are_refused() -> None:
    def generator():  # type: ignore[no-untyped-def]
        yield

    async def both():  # type: ignore[no-untyped-def]
        yield

    for function, what in (
        (generator, "a generator function"),
        (both, "an asynchronous generator function"),
    ):
        with pytest.raises(FlowDefinitionError, match=what):
            task(function)
    with pytest.raises(FlowDefinitionError, match="decorates functions"):
        task(3)  # type: ignore[call-overload]
