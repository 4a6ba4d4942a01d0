from __future__ import annotations

import math
from typing import Any

import pytest

from dagy import flow, task
from dagy_types.errors import FlowDefinitionError


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"retries": -1}, "retries must be a whole number from 0; got -1"),
        ({"retries": 1.5}, "retries must be"),
        ({"retries": True}, "retries must be"),
        ({"retries": 1, "retry_delay_seconds": -2}, "retry_delay_seconds must be"),
        ({"retry_jitter_factor": 1.1}, "from 0 to 1; got 1.1"),
        ({"retry_jitter_factor": math.nan}, "from 0 to 1; got nan"),
        ({"timeout_seconds": 0}, "timeout_seconds must be more than 0"),
        ({"timeout_seconds": math.nan}, "timeout_seconds must be a number of seconds"),
        ({"timeout_seconds": "1"}, "timeout_seconds must be a number of seconds"),
        ({"concurrency_limit": 0}, "concurrency_limit must be a whole number from 1"),
        ({"on_failure": print}, "on_failure must be a list of functions"),
        ({"on_running": ["x"]}, "on_running must be a list of functions"),
        ({"retry_condition_fn": 3}, "retry_condition_fn must be a function"),
        ({"retrys": 3}, "A task has no option 'retrys'"),
    ],
)
def test_an_option_with_a_wrong_value_is_refused_when_the_task_is_made(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(FlowDefinitionError, match=told):
        task(**options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_workers": 0}, "max_workers must be a whole number from 1"),
        ({"timeout_seconds": -1}, "timeout_seconds must be a number of seconds"),
        ({"on_completion": {}}, "on_completion must be a list"),
        ({"max_worker": 1}, "A flow has no option 'max_worker'"),
    ],
)
def test_an_option_with_a_wrong_value_is_refused_when_the_flow_is_made(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(FlowDefinitionError, match=told):
        flow(**options)


def test_with_options_makes_another_task_of_the_same_function() -> None:
    @task(name="load", retries=2, timeout_seconds=5)
    def load(x: int) -> int:
        """Load it."""
        return x

    eager = load.with_options(retries=0, name="load now")
    assert (eager.name, eager.options.retries, eager.options.timeout_seconds) == ("load now", 0, 5)
    assert (load.name, load.options.retries) == ("load", 2)
    assert eager(3) == 3
    assert eager.description == "Load it."
    with pytest.raises(FlowDefinitionError, match="no option 'speed'"):
        load.with_options(speed=9)


def test_after_makes_an_order_without_data() -> None:
    @task
    def step(x: int = 0) -> int:
        return x

    @flow
    def f() -> None:
        first = step()
        step.with_options(after=[first, step(1)])(2)

    assert [each.depends_on for each in f.trace({}).spec.tasks] == [(), (), ("step", "step-2")]
