"""Fixtures: a small graph with an edge over a layer and a name that tests every escape."""

from __future__ import annotations

import pytest

from dagy_types import FlowSpec, TaskSpec

HOSTILE = 'a "b" <c> & \\n #x; `%%{d}\n\x1b[31m 流 \u202e'


@pytest.fixture
def spec() -> FlowSpec:
    return FlowSpec(
        name="daily",
        tasks=(
            TaskSpec(task_id="load", name="load", description="Read the rows."),
            TaskSpec(task_id="odd", name=HOSTILE, depends_on=("load",)),
            TaskSpec(task_id="report", name="report", depends_on=("odd", "load")),
        ),
        outputs=("report",),
    )


@pytest.fixture
def named_spec() -> FlowSpec:
    """The same without the hostile name."""
    return FlowSpec(
        name="daily",
        tasks=(
            TaskSpec(task_id="load", name="load"),
            TaskSpec(task_id="report", name="report", depends_on=("load",)),
        ),
    )


@pytest.fixture
def mapped_spec() -> FlowSpec:
    """One task and a mapped one, from which the flow's result is built."""
    return FlowSpec(
        name="daily",
        tasks=(
            TaskSpec(task_id="load", name="load", code_hash="ab12", tags={"team": "x"}),
            TaskSpec(task_id="step", name="step", depends_on=("load",), is_mapped=True),
        ),
        outputs=("step",),
    )
