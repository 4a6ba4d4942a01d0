from __future__ import annotations

from typing import Any

from dagy._resumption import changed_code, plan_resumption
from dagy_types import FlowSpec, Origin, ReuseReason, TaskRun, TaskSpec, TaskStatus

PENDING, RUNNING, SUCCEEDED = TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.SUCCEEDED
FAILED, TIMED_OUT = TaskStatus.FAILED, TaskStatus.TIMED_OUT
SKIPPED, CANCELLED = TaskStatus.SKIPPED, TaskStatus.CANCELLED


def spec(
    *, mapped: str = "", outputs: str = "", body: str = "b", hashes: Any = None, **upstream: str
) -> FlowSpec:
    """Make a spec from task ids and the letters that each depends on."""
    tasks = tuple(
        TaskSpec(
            task_id=each,
            name=f"name-{each}",
            depends_on=tuple(needs),
            is_mapped=each in mapped,
            code_hash=(hashes or {}).get(each, "h"),
        )
        for each, needs in upstream.items()
    )
    return FlowSpec(name="f", tasks=tasks, outputs=tuple(outputs), code_hash=body)


def runs(statuses: dict[str, TaskStatus], **map_sizes: int) -> list[TaskRun]:
    return [
        TaskRun(run_id="r1", task_id=each, name=each, status=status, map_size=map_sizes.get(each))
        for each, status in statuses.items()
    ]


def of_r1(*task_ids: str) -> dict[str, Origin]:
    return {each: Origin("r1", each, ReuseReason.RESUMED) for each in task_ids}


CHAIN = spec(a="", b="a", c="b", outputs="c")


def test_what_succeeded_stands_and_the_rest_does_not() -> None:
    task_runs = runs({"a": SUCCEEDED, "b": FAILED, "c": SKIPPED})
    plan = plan_resumption(CHAIN, task_runs, CHAIN)
    assert plan.origins == of_r1("a")
    assert plan.left_out == frozenset()


def test_only_outputs_that_somebody_will_ask_for_are_needed() -> None:
    flow = spec(a="", b="a", c="b", d="b", e="", outputs="e")
    statuses = dict.fromkeys("abce", SUCCEEDED) | {"d": FAILED}
    plan = plan_resumption(flow, runs(statuses), flow)
    assert set(plan.origins) == set("abce")
    assert plan.needed == {"b", "e"}  # for d, and for the flow's result


def test_nothing_stands_on_what_does_not() -> None:
    task_runs = runs({"a": SUCCEEDED, "b": SUCCEEDED, "c": SUCCEEDED})
    assert plan_resumption(CHAIN, task_runs, CHAIN, from_task="b").origins == of_r1("a")
    assert plan_resumption(CHAIN, task_runs, CHAIN, from_task="a").origins == {}


def test_a_task_at_another_place_of_the_graph_does_not_stand() -> None:
    task_runs = runs(dict.fromkeys("abc", SUCCEEDED))
    assert plan_resumption(CHAIN, task_runs, spec(a="", b="a", c="a")).origins == of_r1("a", "b")
    assert plan_resumption(CHAIN, task_runs, spec(a="", b="a", c="b", mapped="b")).origins == (
        of_r1("a")
    )
    renamed = FlowSpec(name="f", tasks=(TaskSpec(task_id="a", name="other"),))
    assert plan_resumption(CHAIN, task_runs, renamed).origins == {}


def test_a_new_task_runs_and_a_removed_one_is_forgotten() -> None:
    task_runs = runs(dict.fromkeys("abc", SUCCEEDED))
    plan = plan_resumption(CHAIN, task_runs, spec(x="", a="", b="a", y="ab"))
    assert plan.origins == of_r1("a", "b")
    assert plan.needed == {"a", "b"}  # for y


def test_the_origin_is_the_run_that_made_the_output() -> None:
    task_run = TaskRun(
        run_id="r2",
        task_id="a",
        name="a",
        status=SUCCEEDED,
        origin=Origin("r0", "old", ReuseReason.CACHED),
    )
    plan = plan_resumption(CHAIN, [task_run], CHAIN)
    assert plan.origins == {"a": Origin("r0", "old", ReuseReason.RESUMED)}


MAPPED = spec(a="", m="a", z="m", mapped="m", outputs="z")


def test_the_children_that_succeeded_stand_one_by_one() -> None:
    statuses = {"a": SUCCEEDED, "m": FAILED, "m[0]": SUCCEEDED, "m[1]": FAILED, "m[2]": SUCCEEDED}
    plan = plan_resumption(MAPPED, runs({**statuses, "z": SKIPPED}, m=3), MAPPED)
    assert plan.origins == of_r1("a", "m[0]", "m[2]")
    assert plan.needed == {"a", "m[0]", "m[2]"}  # the list to map over, and parts of m's value


def test_a_mapped_task_stands_once_all_its_children_do() -> None:
    statuses = {"a": SUCCEEDED, "m": RUNNING, "m[0]": SUCCEEDED, "m[1]": SUCCEEDED, "z": SUCCEEDED}
    plan = plan_resumption(MAPPED, runs(statuses, m=2), MAPPED)
    assert plan.origins == of_r1("a", "m[0]", "m[1]", "z")
    assert plan.needed == {"a", "z"}  # a: a mapped task gets its children anew


def test_an_empty_mapped_task_stands_but_not_one_that_never_started() -> None:
    empty = runs({"a": SUCCEEDED, "m": SUCCEEDED, "z": SUCCEEDED}, m=0)
    assert "z" in plan_resumption(MAPPED, empty, MAPPED).origins
    unstarted = runs({"a": SUCCEEDED, "m": PENDING, "z": SUCCEEDED})
    assert "z" not in plan_resumption(MAPPED, unstarted, MAPPED).origins


def test_from_a_mapped_child_its_siblings_stand() -> None:
    statuses = {"a": SUCCEEDED, "m": SUCCEEDED, "m[0]": SUCCEEDED, "m[1]": SUCCEEDED}
    task_runs = runs({**statuses, "z": SUCCEEDED}, m=2)
    plan = plan_resumption(MAPPED, task_runs, MAPPED, from_task="m[1]")
    assert plan.origins == of_r1("a", "m[0]")
    whole = plan_resumption(MAPPED, task_runs, MAPPED, from_task="m")
    assert whole.origins == of_r1("a")


def test_only_failed_leaves_out_what_never_started_unless_it_builds_on_a_failure() -> None:
    flow = spec(a="", b="", c="b", d="", e="a", t="", u="t")
    statuses = {"a": SUCCEEDED, "b": FAILED, "c": SKIPPED, "d": CANCELLED, "e": PENDING}
    task_runs = runs({**statuses, "t": TIMED_OUT, "u": SKIPPED})
    plan = plan_resumption(flow, task_runs, flow, only_failed=True)
    assert plan.left_out == {"d", "e"}
    assert plan.origins == of_r1("a")
    assert plan_resumption(flow, task_runs, flow).left_out == frozenset()


def test_only_failed_runs_a_failed_map_as_a_whole() -> None:
    statuses = {"a": SUCCEEDED, "m": FAILED, "m[0]": FAILED, "m[1]": CANCELLED, "z": SKIPPED}
    plan = plan_resumption(MAPPED, runs(statuses, m=2), MAPPED, only_failed=True)
    assert plan.left_out == frozenset()


def test_changed_code_names_the_body_and_each_reused_task_once() -> None:
    now = spec(a="", m="a", z="m", mapped="m", body="other", hashes={"a": "x", "m": "y", "z": "w"})
    assert changed_code(MAPPED, now, ["a", "m[0]", "m[1]"]) == [
        "the body of flow 'f'",
        "task 'name-a'",
        "task 'name-m'",
    ]


def test_code_of_what_runs_again_may_change() -> None:
    now = spec(a="", m="a", z="m", mapped="m", hashes={"m": "fixed", "z": "fixed"})
    assert changed_code(MAPPED, now, ["a"]) == []
