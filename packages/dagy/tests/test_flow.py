from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dagy import Flow, flow, task
from dagy.local.errors import TaskFailedError
from dagy_store import LocalMetadataStore
from dagy_types import RunStatus
from dagy_types.errors import FlowDefinitionError, UsageError


@task
def double(number: int) -> int:
    return 2 * number


@flow
def doubled(number: int = 21) -> int:
    """Double a number."""
    return double(number)


@flow(name="Broken", version="2", description="fails")
def broken() -> Any:
    @task
    def fail() -> None:
        raise ValueError("no")

    return fail()


def test_a_flow_called_outside_a_flow_runs_and_returns_its_value() -> None:
    assert doubled() == 42
    assert doubled(4) == 8
    assert doubled(number=5) == 10


def test_run_local_records_the_run_in_the_local_store(local_directory: Path) -> None:
    result = doubled.run_local(number=3, max_workers=1)
    assert (result.status, result.result()) == (RunStatus.SUCCEEDED, 6)
    with LocalMetadataStore(local_directory) as store:
        run = store.get_run(result.run_id)
        [task_run] = store.list_task_runs(result.run_id)
    assert (run.flow_name, run.status, run.parameters) == (
        "doubled",
        RunStatus.SUCCEEDED,
        {"number": 3},
    )
    assert (task_run.task_id, task_run.output_bytes) == ("double", 1)


def test_a_failed_task_is_raised_with_fail_fast_and_returned_without() -> None:
    with pytest.raises(TaskFailedError, match="ValueError: no"):
        broken.run_local()
    with pytest.raises(TaskFailedError):
        broken()
    result = broken.run_local(fail_fast=False)
    assert result.status is RunStatus.FAILED
    assert repr(result) == f"<RunResult {result.run_id} FAILED>"
    assert "dagy logs" in str(_raised(result).hint)


def _raised(result: Any) -> TaskFailedError:
    with pytest.raises(TaskFailedError) as caught:
        result.raise_for_status()
    return caught.value


def test_a_flow_knows_what_it_was_given() -> None:
    assert isinstance(doubled, Flow)
    assert (doubled.name, doubled.version, doubled.description) == (
        "doubled",
        "latest",
        "Double a number.",
    )
    assert (broken.name, broken.version, broken.description) == ("Broken", "2", "fails")
    assert repr(broken) == "<Flow 'Broken'>"
    assert doubled.parse_parameters({"number": "7"}, {}) == {"number": 7}


@pytest.mark.parametrize("keyword", ["max_workers", "fail_fast"])
def test_a_parameter_that_run_local_uses_itself_is_refused_with_a_remedy(keyword: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def body({keyword}=1): ...", scope)
    with pytest.raises(FlowDefinitionError, match=f"parameter '{keyword}'") as caught:
        flow(scope["body"])
    assert f"flow_{keyword}" in str(caught.value.hint)


def test_a_coroutine_function_cannot_be_a_flow() -> None:
    async def body() -> None: ...

    with pytest.raises(FlowDefinitionError, match="@flow cannot decorate 'body'"):
        flow(body)


def test_wrong_parameters_are_refused_before_anything_is_recorded(local_directory: Path) -> None:
    with pytest.raises(UsageError, match="'number' must be a whole number"):
        doubled.run_local(number="x")
    with LocalMetadataStore(local_directory) as store:
        assert store.list_runs(limit=1) == []
