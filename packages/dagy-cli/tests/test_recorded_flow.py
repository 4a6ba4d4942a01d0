from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dagy_cli.recorded_flow import recorded_flow, require_task
from dagy_store import LocalMetadataStore
from dagy_types import Run, TaskRun
from dagy_types.errors import DagyError, NotFoundError, UsageError


@pytest.fixture
def run(store: LocalMetadataStore, add_run: Callable[..., str], flow_file: Path) -> Run:
    """A run of the flow ``good``, which is where it was."""
    run = store.get_run(add_run(flow_name="good"))
    return replace(run, source=f"{flow_file}:good")


def test_a_flow_is_where_the_run_says_or_where_people_say(run: Run, flow_file: Path) -> None:
    assert recorded_flow(run, None).name == "good"
    moved = flow_file.rename(flow_file.with_name("moved.py"))
    assert recorded_flow(run, f"{moved}:good").name == "good"


@pytest.mark.parametrize(
    ("source", "target", "kind", "message"),
    [
        (None, None, NotFoundError, "Run run1 did not record where its flow 'good' is."),
        ("/absent/a.py:good", None, NotFoundError, "There is no file /absent/a.py, where"),
        ("FILE:gone", None, NotFoundError, "There is no flow 'gone' in FILE, where"),
        ("FILE:good", "FILE:failing", UsageError, "FILE:failing is flow 'failing'."),
        ("FILE:good", "/absent/b.py", NotFoundError, "There is no file /absent/b.py."),
    ],
)
def test_a_flow_that_is_not_there_is_refused(
    source: str | None,
    target: str | None,
    kind: type[DagyError],
    message: str,
    run: Run,
    flow_file: Path,
) -> None:
    def filled(text: str | None) -> str | None:
        return text and text.replace("FILE", str(flow_file))

    with pytest.raises(kind) as error:
        recorded_flow(replace(run, source=filled(source)), filled(target))
    assert (filled(message) or "") in error.value.message
    assert error.value.hint


def test_a_task_that_is_not_there_is_named_with_one_like_it_or_some(
    run: Run, make_task: Callable[..., TaskRun]
) -> None:
    task_runs = [make_task(each) for each in ("load", "step", "step[0]", *"abcdef")]
    assert require_task(run, task_runs, "step[0]").task_id == "step[0]"
    hints = {"laod": "Did you mean: load", "zzz": "Its tasks: load, step, a, b, c, …"}
    for wanted, hint in hints.items():
        with pytest.raises(NotFoundError, match=f"Run run1 has no task '{wanted}'") as error:
            require_task(run, task_runs, wanted)
        assert error.value.hint == hint
    with pytest.raises(NotFoundError) as error:
        require_task(run, [], "x")
    assert error.value.hint == "It has no tasks."
