from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from dagy._plan import Plan
from dagy_types import FlowSpec, TaskSpec


def spec(**upstream: str) -> FlowSpec:
    """Make a spec from task ids and the letters that each depends on."""
    return FlowSpec(
        name="f",
        tasks=tuple(TaskSpec(task_id=i, name=i, depends_on=tuple(u)) for i, u in upstream.items()),
    )


def taken(plan: Plan, limit: int) -> list[str]:
    """Take what is ready, at most so many tasks."""
    tasks: list[str] = []
    while len(tasks) < limit and (task_id := plan.take()) is not None:
        tasks.append(task_id)
    return tasks


def test_roots_are_ready_in_the_order_of_the_flow() -> None:
    assert taken(Plan(spec(b="", a="", c="ab")), 9) == ["b", "a"]


def test_no_more_than_the_limit_is_taken() -> None:
    plan = Plan(spec(a="", b=""))
    assert taken(plan, 1) == ["a"]
    assert taken(plan, 0) == []
    assert taken(plan, 5) == ["b"]


def test_a_task_is_ready_once_all_its_upstream_succeeded() -> None:
    plan = Plan(spec(a="", b="", c="ab"))
    taken(plan, 2)
    plan.succeed("a")
    assert taken(plan, 9) == []
    plan.succeed("b")
    assert taken(plan, 9) == ["c"]


def test_an_upstream_named_twice_counts_once() -> None:
    plan = Plan(spec(a="", b="aa"))
    taken(plan, 1)
    plan.succeed("a")
    assert taken(plan, 9) == ["b"]


def test_a_failure_drops_all_that_needed_it_and_nothing_else() -> None:
    plan = Plan(spec(a="", b="", c="a", d="c", e="b", f="de"))
    taken(plan, 2)
    assert plan.fail("a") == ["c", "d", "f"]
    plan.succeed("b")
    assert taken(plan, 9) == ["e"]
    plan.succeed("e")
    assert taken(plan, 9) == []


def test_a_task_below_two_failures_is_dropped_once() -> None:
    plan = Plan(spec(a="", b="", c="ab"))
    taken(plan, 2)
    assert plan.fail("a") == ["c"]
    assert plan.fail("b") == []


def test_dropping_the_unstarted_leaves_nothing_to_take() -> None:
    plan = Plan(spec(a="", b="", c="a"))
    taken(plan, 1)
    assert plan.drop_unstarted() == ["b", "c"]
    plan.succeed("a")
    assert taken(plan, 9) == []


def test_a_limit_holds_tasks_back_and_lets_others_pass() -> None:
    plan = Plan(spec(a="", b="", c="", d=""), {"a": ("k", 1), "b": ("k", 1), "d": ("k", 1)})
    assert taken(plan, 9) == ["a", "c"]
    assert taken(plan, 9) == []
    plan.succeed("a")
    assert taken(plan, 9) == ["b"]
    plan.fail("b")
    assert taken(plan, 9) == ["d"]


def test_a_suspended_task_frees_its_place_and_comes_back_when_resumed() -> None:
    plan = Plan(spec(a="", b=""), {"a": ("k", 1), "b": ("k", 1)})
    assert taken(plan, 9) == ["a"]
    plan.suspend("a")
    assert taken(plan, 9) == ["b"]
    plan.resume("a")
    assert taken(plan, 9) == []
    plan.succeed("b")
    assert taken(plan, 9) == ["a"]


def test_dropping_the_unstarted_leaves_out_what_has_run_before() -> None:
    plan = Plan(spec(a="", b="", c="", d="a"), {"b": ("k", 1), "c": ("k", 1)})
    assert taken(plan, 9) == ["a", "b"]
    plan.suspend("a")
    plan.resume("a")
    assert plan.drop_unstarted() == ["c", "d"]
    plan.succeed("b")
    assert taken(plan, 9) == []


def mapped(*task_ids: str) -> FlowSpec:
    tasks = (TaskSpec(task_id=each, name=each, is_mapped=True) for each in task_ids)
    return FlowSpec(name="f", tasks=tuple(tasks))


def test_children_are_taken_in_order_once_their_mapped_task_is_fanned_out() -> None:
    plan = Plan(mapped("m"))
    assert taken(plan, 9) == ["m"]
    assert not plan.has_ready
    plan.fan_out("m", 2)
    assert plan.has_ready
    assert taken(plan, 9) == ["m[0]", "m[1]"]
    assert not plan.has_ready


def test_a_limit_holds_children_back_until_one_of_its_tasks_ends() -> None:
    plan = Plan(mapped("m", "n", "o"), {"m": ("k", 1), "n": ("k", 1)})
    assert taken(plan, 9) == ["m", "n", "o"]
    for each in "mno":
        plan.fan_out(each, 2)
    assert taken(plan, 9) == ["m[0]", "o[0]", "o[1]"]
    assert not plan.has_ready  # nothing is to be looked for until a place is free
    assert taken(plan, 9) == []
    plan.succeed("m[0]")
    assert taken(plan, 9) == ["m[1]"]
    plan.fail("m[1]")
    assert taken(plan, 9) == ["n[0]"]
    plan.succeed("n[0]")
    assert taken(plan, 9) == ["n[1]"]


def test_dropping_the_unstarted_drops_the_children_that_a_limit_holds_back() -> None:
    plan = Plan(mapped("m", "n"), {"m": ("k", 1), "n": ("k", 1)})
    taken(plan, 9)
    plan.fan_out("m", 2)
    plan.fan_out("n", 2)
    assert taken(plan, 9) == ["m[0]"]
    assert sorted(plan.drop_unstarted()) == ["m[1]", "n[0]", "n[1]"]
    plan.succeed("m[0]")
    assert taken(plan, 9) == []


def test_what_is_set_aside_gives_its_place_to_others_and_comes_back_before_them() -> None:
    plan = Plan(spec(a="", b="", c=""), {"a": ("k", 1), "b": ("k", 1), "c": ("k", 1)})
    for expected in "ab":
        assert plan.take() == expected
        plan.set_aside(expected)
    assert plan.take() == "c"
    plan.succeed("c")
    assert plan.take() is None
    plan.bring_back()
    assert taken(plan, 9) == ["a"]
    plan.succeed("a")
    assert taken(plan, 9) == ["b"]


def test_dropping_the_unstarted_drops_what_is_set_aside() -> None:
    plan = Plan(spec(a="", b="a"))
    taken(plan, 1)
    plan.set_aside("a")
    assert plan.drop_unstarted() == ["a", "b"]
    plan.bring_back()
    assert taken(plan, 9) == []


@st.composite
def specs(draw: st.DrawFn) -> FlowSpec:
    count = draw(st.integers(0, 25))
    tasks = []
    for number in range(count):
        upstream = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        tasks.append(
            TaskSpec(task_id=f"t{number}", name="t", depends_on=tuple(f"t{i}" for i in upstream))
        )
    return FlowSpec(name="f", tasks=tuple(tasks))


@given(specs(), st.randoms(use_true_random=False), st.floats(0, 0.5), st.integers(1, 5))
def test_every_task_of_a_random_graph_is_settled_once_and_never_before_its_upstream(
    flow: FlowSpec, chance: random.Random, failure_rate: float, slots: int
) -> None:
    plan = Plan(flow)
    upstream = {task.task_id: set(task.depends_on) for task in flow.tasks}
    running: list[str] = []
    succeeded: set[str] = set()
    failed: set[str] = set()
    dropped: list[str] = []
    while True:
        for task_id in taken(plan, slots - len(running)):
            assert upstream[task_id] <= succeeded
            running.append(task_id)
        if not running:
            break
        ended = running.pop(chance.randrange(len(running)))
        if chance.random() < failure_rate:
            failed.add(ended)
            dropped += plan.fail(ended)
        else:
            succeeded.add(ended)
            plan.succeed(ended)
    settled = [*succeeded, *failed, *dropped]
    assert sorted(settled) == sorted(upstream)
    assert all(upstream[task_id] & (failed | set(dropped)) for task_id in dropped)
