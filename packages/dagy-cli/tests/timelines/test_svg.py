from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagy_cli.timelines.bars import timeline_of
from dagy_cli.timelines.svg import timeline_svg
from dagy_types import Origin, ReuseReason, Run, TaskRun

SVG = "{http://www.w3.org/2000/svg}"


def _picture(run: Run, task_runs: list[TaskRun], now: datetime) -> ElementTree.Element:
    return ElementTree.fromstring(timeline_svg(run, timeline_of(run, task_runs, now=now)))


def test_there_is_a_bar_in_the_colour_of_its_status_for_each_task(
    run: Run, task_runs: list[TaskRun], at: Callable[[float], datetime]
) -> None:
    root = _picture(run, task_runs, at(8))
    rows = root.findall(f"{SVG}g")
    assert [[text.text for text in row.findall(f"{SVG}text")] for row in rows] == [
        ["load", "4.0 s"],
        ["report", "2.0 s FAILED"],
        ["check", "3.0 s RUNNING"],
    ]
    bars = [row.find(f"{SVG}rect") for row in rows]
    assert [bar.get("width") for bar in bars if bar is not None] == ["360", "180", "270"]
    assert len({bar.get("fill") for bar in bars if bar is not None}) == 3
    assert float(root.get("width", "0")) >= 600


def test_hovering_tells_the_details(
    run: Run, task_runs: list[TaskRun], at: Callable[[float], datetime]
) -> None:
    rows = _picture(run, task_runs, at(8)).findall(f"{SVG}g")
    assert rows[1].findtext(f"{SVG}title") == (
        "report: FAILED, attempt 1\nfrom 4.0 s, for 2.0 s\nBoom <1>"
    )
    assert (rows[2].findtext(f"{SVG}title") or "").startswith("check it\ncheck: RUNNING")


def test_the_axis_has_times_and_the_legend_what_there_is(
    run: Run, task_runs: list[TaskRun], at: Callable[[float], datetime]
) -> None:
    texts = [text.text for text in _picture(run, task_runs, at(8)).findall(f"{SVG}text")]
    assert texts[0] == "daily, run r1: RUNNING"
    assert texts[2:6] == ["RUNNING", "SUCCEEDED", "FAILED", "1 not started"]
    assert texts[6:] == [f"{n} s" if n else "0" for n in range(9)]


def test_a_run_without_tasks_has_a_picture(run: Run, at: Callable[[float], datetime]) -> None:
    assert _picture(run, [], at(1)).findall(f"{SVG}g") == []


@given(name=st.text(), error=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_names_and_errors_give_a_well_formed_picture(
    name: str,
    error: str,
    run: Run,
    task_run: Callable[..., TaskRun],
    at: Callable[[float], datetime],
) -> None:
    odd = [task_run("x", 0, 1, name=name, error=error)]
    assert _picture(replace(run, flow_name=name), odd, at(1)).tag == f"{SVG}svg"


def test_of_a_mapped_task_the_children_are_counted_and_reused_tasks_in_the_legend(
    run: Run, task_run: Callable[..., TaskRun], at: Callable[[float], datetime]
) -> None:
    tasks = [
        task_run("step", 0, 3, map_size=1),
        task_run("step[0]", 0, 2),
        task_run("old", None, None, origin=Origin("r0", "old", ReuseReason.CACHED)),
    ]
    root = _picture(run, tasks, at(3))
    (row,) = root.findall(f"{SVG}g")
    assert (row.findtext(f"{SVG}title") or "").endswith("\n1 of 1 children succeeded")
    assert root.findall(f"{SVG}text")[3].text == "1 reused without running"
