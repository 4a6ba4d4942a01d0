from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from dagy import flow, task
from dagy._progress import Progress
from dagy._serializers import Serializers
from dagy_types import Origin, Output, ReuseReason, TaskStatus
from dagy_types.errors import UsageError

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
RUNNING, SUCCEEDED, FAILED = TaskStatus.RUNNING, TaskStatus.SUCCEEDED, TaskStatus.FAILED
SKIPPED, CANCELLED = TaskStatus.SKIPPED, TaskStatus.CANCELLED


def encoded(value: Any) -> Output:
    return Output(json.dumps(value).encode(), "json")


@task
def give(value: Any = None) -> Any: ...


@task
def step(item: Any) -> Any: ...


@task(concurrency_limit=1)
def narrow(value: Any) -> Any: ...


def progress_of(body: Callable[[], Any]) -> Progress:
    return Progress(flow(body).trace({}), Serializers([]), now=lambda: NOW)


def take(progress: Progress) -> list[str]:
    taken = []
    while (task_id := progress.plan.take()) is not None:
        taken.append(task_id)
    return taken


def changes(progress: Progress) -> list[tuple[str, TaskStatus]]:
    """Return what there is to record, as its recorder would."""
    found = [(each.task_id, each.status) for each in progress.changes]
    progress.changes.clear()
    return found


def begun_map() -> Progress:
    """A map over three items whose children are taken, and a task that needs it."""
    progress = progress_of(lambda: give(step.map(give(0))))
    take(progress)
    progress.succeed("give", NOW, 1, encoded([1, 2, 3]), None)
    assert take(progress) == ["step"]
    progress.fan_out("step")
    assert take(progress) == ["step[0]", "step[1]", "step[2]"]
    progress.changes.clear()
    return progress


def test_what_a_task_returned_is_the_input_of_what_needs_it() -> None:
    progress = progress_of(lambda: give(give(1)))
    take(progress)
    progress.start("give", NOW, 1)
    progress.succeed("give", NOW, 1, encoded(5), "key")
    assert [each.cache_key for each in progress.changes] == [None, "key"]
    assert changes(progress) == [("give", RUNNING), ("give", SUCCEEDED)]
    assert take(progress) == ["give-2"]
    attempt = progress.attempt("give-2", 2)
    assert (attempt.number, attempt.inputs, attempt.index) == (2, {"give": encoded(5)}, None)


def test_a_mapped_task_is_running_until_its_last_child_has_ended() -> None:
    progress = progress_of(lambda: give(step.map([7, 8])))
    take(progress)
    progress.fan_out("step")
    [start] = progress.changes
    assert (start.task_id, start.status, start.attempt, start.map_size) == ("step", RUNNING, 1, 2)
    progress.changes.clear()
    assert progress.is_mapped("step")
    assert not progress.is_mapped("step[0]")
    assert progress.attempt("step[1]", 1).index == 1
    take(progress)
    progress.succeed("step[1]", NOW, 1, encoded("b"), None)
    assert take(progress) == []
    progress.succeed("step[0]", NOW, 1, encoded("a"), None)
    assert changes(progress)[-1] == ("step", SUCCEEDED)
    assert take(progress) == ["give"]
    assert progress.attempt("give", 1).inputs == {"step": (encoded("a"), encoded("b"))}


def test_a_map_over_nothing_succeeds_at_once() -> None:
    progress = progress_of(lambda: give(step.map([])))
    take(progress)
    progress.fan_out("step")
    assert changes(progress) == [("step", RUNNING), ("step", SUCCEEDED)]
    assert take(progress) == ["give"]
    assert progress.attempt("give", 1).inputs == {"step": ()}


def test_a_mapped_task_fails_when_its_last_child_has_ended_and_one_failed() -> None:
    progress = begun_map()
    progress.fail_attempt("step[0]", FAILED, NOW, 1, "no")
    progress.fail("step[0]")
    progress.succeed("step[1]", NOW, 1, encoded(1), None)
    assert changes(progress) == [("step[0]", FAILED), ("step[1]", SUCCEEDED)]
    progress.succeed("step[2]", NOW, 1, encoded(1), None)
    assert [each.error for each in progress.changes][1:] == [
        "1 of 3 failed.",
        "Task 'step' failed.",
    ]
    assert changes(progress)[1:] == [("step", FAILED), ("give-2", SKIPPED)]
    assert not progress.is_complete


def test_a_mapped_task_is_cancelled_when_children_were_and_none_failed() -> None:
    progress = begun_map()
    progress.succeed("step[0]", NOW, 1, encoded(1), None)
    progress.cancel(["step[1]"], "stop")
    progress.cancel(["step[2]"], "stop", number=1)
    assert [(each.attempt, each.error) for each in progress.changes[1:3]] == [
        (0, "stop"),
        (1, "stop"),
    ]
    assert changes(progress)[-1] == ("step", CANCELLED)
    assert not progress.is_complete


def test_a_failure_skips_all_that_needs_the_task_and_says_why() -> None:
    progress = progress_of(lambda: give(give(give(1))))
    take(progress)
    progress.fail("give")
    assert [each.error for each in progress.changes] == ["Task 'give' failed."] * 2
    assert changes(progress) == [("give-2", SKIPPED), ("give-3", SKIPPED)]


def test_a_task_can_fail_before_any_attempt() -> None:
    progress = progress_of(lambda: give(1))
    take(progress)
    progress.fail_unstarted("give", "no list")
    assert changes(progress) == [("give", RUNNING), ("give", FAILED)]
    assert not progress.is_complete


def test_what_is_skipped_leaves_the_run_complete() -> None:
    progress = progress_of(lambda: give(give(1)))
    take(progress)
    progress.skip("give", "not today")
    assert [each.error for each in progress.changes] == ["not today", "Task 'give' was skipped."]
    assert changes(progress) == [("give", SKIPPED), ("give-2", SKIPPED)]
    assert progress.is_complete


def test_a_reused_output_is_an_input_like_any_other() -> None:
    progress = progress_of(lambda: give(give(1)))
    take(progress)
    origin = Origin("r0", "give", ReuseReason.RESUMED)
    progress.reuse("give", origin, encoded(4))
    [change] = progress.changes
    assert (change.status, change.origin, change.output) == (SUCCEEDED, origin, None)
    assert take(progress) == ["give-2"]
    assert progress.attempt("give-2", 1).inputs == {"give": encoded(4)}


def test_an_output_that_nobody_will_ask_for_need_not_be_there() -> None:
    progress = begun_map()
    origin = Origin("r0", "step[0]", ReuseReason.RESUMED)
    for index in range(3):
        progress.reuse(f"step[{index}]", origin, None)
    assert changes(progress)[-1] == ("step", SUCCEEDED)
    assert take(progress) == ["give-2"]


def test_what_makes_a_map_impossible_is_raised_and_changes_nothing() -> None:
    progress = progress_of(lambda: step.map(give(0)))
    take(progress)
    progress.succeed("give", NOW, 1, encoded(3), None)
    take(progress)
    progress.changes.clear()
    with pytest.raises(UsageError):
        progress.fan_out("step")
    assert progress.changes == []


def test_variants_of_a_task_share_their_limit_while_it_is_the_same() -> None:
    def body() -> None:
        narrow(1)
        narrow.with_options(name="other")(2)
        narrow.with_options(concurrency_limit=2)(3)

    progress = progress_of(body)
    assert take(progress) == ["narrow", "narrow-2"]
    progress.succeed("narrow", NOW, 1, encoded(1), None)
    assert take(progress) == ["other"]
