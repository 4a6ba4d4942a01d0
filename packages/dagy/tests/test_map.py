"""`Task.map`: a task run for each item of a value that is known only when the flow runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from dagy import LocalArtifact, flow, get_run_logger, task
from dagy_types import RunStatus
from dagy_types.errors import FlowDefinitionError


@task
def give(value: Any) -> Any:
    return value


@task
def double(number: int) -> int:
    return 2 * number


@task
def add(a: Any, b: Any = 0, *, c: Any = 0) -> Any:
    return a + b + c


def flow_of(body: Callable[[], Any], **options: Any) -> Any:
    return flow(name="f", **options)(body)


def value_of(trial: Any, body: Callable[[], Any]) -> Any:
    return trial.run(flow_of(body)).result()


def failure_of(trial: Any, body: Callable[[], Any]) -> str:
    result = trial.run(flow_of(body))
    assert result.status is RunStatus.FAILED
    return str(result.error)


def test_results_are_in_the_order_of_the_items_whatever_ends_first(trial: Any) -> None:
    ended = [threading.Event() for _ in range(4)]

    @task
    def last_first(number: int) -> int:
        if number < 3:
            assert ended[number + 1].wait(60)
        ended[number].set()
        return number

    f = flow_of(lambda: last_first.map(give([0, 1, 2, 3])))
    assert trial.run(f, max_workers=4).result() == [0, 1, 2, 3]


def test_each_child_is_a_task_run_of_its_own_under_its_parent(trial: Any) -> None:
    assert value_of(trial, lambda: double.map(give([5, 6]))) == [10, 12]
    assert trial.states == dict.fromkeys(["give", "double", "double[0]", "double[1]"], "SUCCEEDED")
    parent, child = trial.task_runs["double"], trial.task_runs["double[1]"]
    assert (parent.map_size, parent.output_bytes) == (2, None)
    assert (child.map_size, child.attempt, child.name) == (None, 1, "double")
    assert trial.store.read_output(trial.run_id, "double[1]").data == b"12"


@pytest.mark.parametrize("items", [[], ()])
def test_an_empty_list_gives_an_empty_list(trial: Any, items: Any) -> None:
    assert value_of(trial, lambda: give(double.map(give(items)))) == []
    assert trial.task_runs["double"].map_size == 0
    assert trial.states["double"] == "SUCCEEDED"


def test_a_map_over_an_empty_map_is_empty(trial: Any) -> None:
    assert value_of(trial, lambda: double.map(double.map(give([])))) == []


def test_its_output_can_be_nested_in_containers(trial: Any) -> None:
    def body() -> Any:
        doubled = double.map(give([1, 2]))
        return give({"all": [doubled, (doubled,)]}), {"again": doubled}

    assert value_of(trial, body) == ({"all": [[2, 4], ([2, 4],)]}, {"again": [2, 4]})


def test_several_lists_are_taken_item_by_item(trial: Any) -> None:
    assert value_of(trial, lambda: add.map(give([1, 2]), give((10, 20)))) == [11, 22]


def test_lists_of_different_lengths_fail_the_task_with_their_lengths(trial: Any) -> None:
    error = failure_of(trial, lambda: add.map(give([1, 2]), [1, 2, 3]))
    assert error == (
        "Task 'add' failed: UsageError: Task 'add' maps over lists of different lengths: 2, 3."
    )
    assert trial.states == {"give": "SUCCEEDED", "add": "FAILED"}


@pytest.mark.parametrize(
    ("value", "type_name"), [("abc", "str"), ({"a": 1}, "dict"), (None, "NoneType"), ({1}, "set")]
)
def test_what_is_no_list_when_it_is_there_fails_the_task(
    trial: Any, value: Any, type_name: str
) -> None:
    error = failure_of(trial, lambda: give(double.map(give(value))))
    assert error.endswith(
        "Task 'double' maps over what 'give' returned, a value of type "
        f"{type_name}; it must be a list or a tuple."
    )
    assert trial.states["double"] == "FAILED"
    assert trial.states["give-2"] == "SKIPPED"


def test_why_a_task_cannot_map_is_in_the_log(trial: Any) -> None:
    failure_of(trial, lambda: double.map(give("abc")))
    assert any("a value of type str" in message for message in trial.messages("double"))


@pytest.mark.parametrize("value", ["abc", {"a": 1}, None, {1}, 7, iter([1]), map(str, [1])])
def test_what_is_no_list_in_the_flow_is_refused_at_once(trial: Any, value: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="Task 'double' cannot map over a value of type"):
        trial.run(flow_of(lambda: double.map(value)))


def test_a_generator_is_refused_at_once(trial: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="of type generator") as caught:
        trial.run(flow_of(lambda: double.map(number for number in [1])))
    assert "list" in str(caught.value.hint)
    assert "test_map.py" in caught.value.message


def test_without_anything_to_map_over_it_is_refused(trial: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="'double' has nothing to map over"):
        trial.run(flow_of(lambda: double.map()))


def test_arguments_that_do_not_fit_the_function_are_refused_at_once(trial: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="task 'double': too many positional"):
        trial.run(flow_of(lambda: double.map([1], [2])))


@pytest.mark.parametrize("items", [[1, 2], (1, 2), range(1, 3)])
def test_a_list_that_is_known_already_can_be_mapped_over(trial: Any, items: Any) -> None:
    assert value_of(trial, lambda: double.map(items)) == [2, 4]


def test_a_list_of_outputs_can_be_mapped_over(trial: Any) -> None:
    def body() -> Any:
        return add.map([give(1), 2, [give(3)][0]], [[give(10)][0], 20, 30])

    assert value_of(trial, body) == [11, 22, 33]


def test_items_that_hold_outputs_are_filled_in(trial: Any) -> None:
    assert value_of(trial, lambda: give.map([{"a": give(1)}, [give(2), 3]])) == [{"a": 1}, [2, 3]]


def test_a_map_can_be_mapped_over(trial: Any) -> None:
    assert value_of(trial, lambda: double.map(double.map(give([1, 2, 3])))) == [4, 8, 12]
    assert trial.states["double-2[2]"] == "SUCCEEDED"


def test_keyword_arguments_are_the_same_for_all_children(trial: Any) -> None:
    assert value_of(trial, lambda: add.map([1, 2], b=100, c=give(1000))) == [1101, 1102]


def test_a_keyword_argument_can_be_what_a_map_returned(trial: Any) -> None:
    body = lambda: add.map([[1], [2]], b=double.map(give([5])), c=[])  # noqa: E731
    assert value_of(trial, body) == [[1, 10], [2, 10]]


def test_each_child_has_its_own_retries(trial: Any) -> None:
    calls: dict[int, int] = {}

    @task(retries=2, retry_delay_seconds=5)
    def flaky(number: int) -> int:
        calls[number] = calls.get(number, 0) + 1
        if calls[number] <= number:
            raise ValueError(f"{number} fails")
        return number

    assert value_of(trial, lambda: flaky.map(give([0, 1, 2]))) == [0, 1, 2]
    assert calls == {0: 1, 1: 2, 2: 3}
    assert trial.task_runs["flaky[2]"].attempt == 3
    assert trial.task_runs["flaky"].attempt == 1


def test_a_child_that_used_up_its_retries_uses_up_no_others(trial: Any) -> None:
    calls: list[int] = []

    @task(retries=1)
    def flaky(number: int) -> int:
        calls.append(number)
        if number == 0 or calls.count(number) == 1:
            raise ValueError
        return number

    trial.run(flow_of(lambda: flaky.map(give([0, 1]))), fail_fast=False)
    assert sorted(calls) == [0, 0, 1, 1]
    assert (trial.states["flaky[0]"], trial.states["flaky[1]"]) == ("FAILED", "SUCCEEDED")


class Crowd:
    """Counts how many are inside at once; nobody leaves before so many have been seen."""

    def __init__(self, expected: int) -> None:
        self._changed = threading.Condition()
        self._expected = expected
        self._inside = 0
        self.most = 0

    def pass_through(self) -> None:
        with self._changed:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self.most >= self._expected, 60)
            self._inside -= 1


def test_a_limit_holds_for_children_and_plain_calls_together(trial: Any) -> None:
    crowd = Crowd(expected=2)

    @task(concurrency_limit=2)
    def work(_: Any) -> None:
        crowd.pass_through()

    def body() -> Any:
        return [work.map(give([1] * 6)), work.map([2] * 6), work(3), work(4)]

    trial.run(flow_of(body), max_workers=8).raise_for_status()
    assert crowd.most == 2


def test_without_a_limit_children_run_side_by_side(trial: Any) -> None:
    crowd = Crowd(expected=3)

    @task
    def work(_: Any) -> None:
        crowd.pass_through()

    trial.run(flow_of(lambda: work.map(give([1] * 9))), max_workers=3).raise_for_status()
    assert crowd.most == 3


def test_a_limit_that_holds_all_children_back_lets_others_pass(trial: Any) -> None:
    other_ran = threading.Event()

    @task(concurrency_limit=1)
    def narrow(_: Any) -> None:
        assert other_ran.wait(60)

    @task
    def other(_: Any) -> None:
        other_ran.set()

    def body() -> Any:
        return [narrow.map(give([1, 2, 3])), other.map(give([1]))]

    trial.run(flow_of(body), max_workers=2).raise_for_status()


def test_a_time_limit_is_each_childs_own(trial: Any) -> None:
    let_go = threading.Event()

    @task(timeout_seconds=60, on_failure=[lambda *_: let_go.set()])
    def work(number: int) -> int:
        if number == 1:
            while not let_go.wait(0.001):
                trial.clock.advance(1)
        return number

    f = flow_of(lambda: work.map(give([0, 1, 2])))
    assert trial.run(f, fail_fast=False, max_workers=1).status is RunStatus.FAILED
    assert trial.states["work[1]"] == "TIMED_OUT"
    assert trial.states["work[0]"] == trial.states["work[2]"] == "SUCCEEDED"
    assert trial.errors["work[1]"] == "TaskTimeoutError: Task 'work[1]' did not end within 60 s."
    assert trial.errors["work"] == "1 of 3 failed."


def test_hooks_are_told_of_each_child_and_its_item(trial: Any) -> None:
    told: list[tuple[str, int, Any]] = []

    @task(
        on_running=[lambda context, state: told.append((state.type, context.attempt, context))],
        on_completion=[lambda context, state: told.append((state.type, context.attempt, context))],
    )
    def work(number: int, *, model: Any) -> int:
        return number

    trial.run(flow_of(lambda: work.map(give([7, 8]), model=give("m"))), max_workers=1)
    assert [(state, attempt, context.parameters) for state, attempt, context in told] == [
        ("RUNNING", 1, {"number": 7, "model": "m"}),
        ("COMPLETED", 1, {"number": 7, "model": "m"}),
        ("RUNNING", 1, {"number": 8, "model": "m"}),
        ("COMPLETED", 1, {"number": 8, "model": "m"}),
    ]
    assert {(context.name, context.run_id) for _, _, context in told} == {("work", trial.run_id)}


def test_hooks_hear_of_retries_and_failures_of_children(trial: Any) -> None:
    told: list[tuple[str, Any]] = []

    @task(
        retries=1,
        on_retry=[lambda context, state: told.append(("retry", context.parameters))],
        on_failure=[lambda context, state: told.append((state.message, context.parameters))],
    )
    def work(number: int) -> None:
        if number == 2:
            raise ValueError("two")

    trial.run(flow_of(lambda: work.map(give([1, 2]))))
    assert told == [("retry", {"number": 2}), ("ValueError: two", {"number": 2})]


def test_what_a_child_logs_and_prints_is_recorded_under_its_id(trial: Any) -> None:
    @task(retries=1)
    def talk(number: int) -> None:
        get_run_logger().info("logs %d", number)
        print("prints", number)
        if number == 1 and trial.clock.monotonic() == 0:
            trial.clock.advance(1)
            raise ValueError("once")

    value_of(trial, lambda: talk.map(give([0, 1])))
    assert trial.messages("talk[0]") == ["logs 0", "prints 0"]
    said = [(each.attempt, each.message) for each in trial.logs("talk[1]")]
    assert (1, "logs 1") in said
    assert (2, "prints 1") in said
    assert any(attempt == 1 and "ValueError: once" in message for attempt, message in said)


def test_a_child_that_fails_fails_its_parent_and_what_needs_it(trial: Any) -> None:
    @task
    def picky(number: int) -> int:
        if number % 2:
            raise ValueError(f"{number} is odd")
        return number

    def body() -> Any:
        return [give(picky.map(give([0, 1, 2, 3]))), give("apart")]

    result = trial.run(flow_of(body), fail_fast=False)
    assert result.status is RunStatus.FAILED
    assert result.error in {
        f"Task 'picky[{odd}]' failed: ValueError: {odd} is odd" for odd in (1, 3)
    }
    assert trial.states == {
        "give": "SUCCEEDED",
        "picky": "FAILED",
        "picky[0]": "SUCCEEDED",
        "picky[1]": "FAILED",
        "picky[2]": "SUCCEEDED",
        "picky[3]": "FAILED",
        "give-2": "SKIPPED",
        "give-3": "SUCCEEDED",
    }
    assert trial.errors["picky"] == "2 of 4 failed."
    assert trial.errors["give-2"] == "Task 'picky' failed."


def test_with_fail_fast_the_first_failure_ends_the_other_children(trial: Any) -> None:
    @task
    def picky(number: int) -> int:
        if number == 1:
            raise ValueError("no")
        return number

    f = flow_of(lambda: give(picky.map(give([0, 1, 2, 3]))))
    result = trial.run(f, max_workers=1)
    assert result.error == "Task 'picky[1]' failed: ValueError: no"
    assert [trial.states[f"picky[{index}]"] for index in range(4)] == [
        "SUCCEEDED",
        "FAILED",
        "CANCELLED",
        "CANCELLED",
    ]
    assert trial.errors["picky"] == "1 of 4 failed."
    assert trial.states["picky"] == "FAILED"
    assert trial.states["give-2"] in {"SKIPPED", "CANCELLED"}


def test_items_are_copies(trial: Any) -> None:
    spoiled = threading.Event()

    @task(retries=1)
    def spoil(item: list[int], *, shared: list[int]) -> list[list[int]]:
        item.append(99)
        shared.append(99)
        if not spoiled.is_set():
            spoiled.set()
            raise ValueError("try again")
        return [item, shared]

    def body() -> Any:
        lists = give([[1], [1]])
        shared = give([0])
        return [spoil.map(lists, shared=shared), spoil.map([[2], [2]], shared=[3]), lists, shared]

    assert trial.run(flow_of(body), max_workers=1).result() == [
        [[[1, 99], [0, 99]], [[1, 99], [0, 99]]],
        [[[2, 99], [3, 99]], [[2, 99], [3, 99]]],
        [[1], [1]],
        [0],
    ]


def test_ten_thousand_children_are_run_and_recorded(trial: Any) -> None:
    assert value_of(trial, lambda: double.map(give(list(range(10_000))))) == list(
        range(0, 20_000, 2)
    )
    assert trial.task_runs["double"].map_size == 10_000
    assert len(trial.task_runs) == 10_002
    assert set(trial.states.values()) == {"SUCCEEDED"}


def test_artifacts_can_be_mapped_over(trial: Any) -> None:
    @task
    def read(artifact: LocalArtifact) -> str:
        return str(artifact.load())

    @task
    def write(text: str) -> LocalArtifact:
        return LocalArtifact.text(text, name=f"{text}.txt")

    def body() -> Any:
        made = give([LocalArtifact.text("a"), LocalArtifact.text("b")])
        return [read.map(made), read.map(write.map(["c", "d"])), read.map([write("e")])]

    assert value_of(trial, body) == [["a", "b"], ["c", "d"], ["e"]]


class Opaque:
    """JSON cannot hold it."""

    def __init__(self, number: int) -> None:
        self.number = number


def test_items_that_only_pickle_can_hold_can_be_mapped_over(trial: Any) -> None:
    @task(serializer="pickle")
    def make(number: int) -> Opaque:
        return Opaque(number)

    @task(serializer="pickle")
    def make_all(count: int) -> list[Opaque]:
        return [Opaque(number) for number in range(count)]

    @task
    def look(opaque: Opaque) -> int:
        return opaque.number

    def body() -> Any:
        return look.map(make_all(3)), look.map(make.map([5, 6]))

    assert value_of(trial, body) == ([0, 1, 2], [5, 6])


class ListsOnly:
    """A serializer that cannot write the items of the lists that it can write."""

    name = "lists-only"

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is no list")
        return repr(value).encode()

    def decode(self, data: bytes) -> Any:
        return eval(data)


def test_items_that_their_serializer_cannot_write_fail_the_task(trial: Any) -> None:
    give_list = give.with_options(serializer=ListsOnly())
    assert "1 is no list" in failure_of(trial, lambda: double.map(give_list([1])))
    assert trial.states["double"] == "FAILED"


def test_a_value_that_cannot_be_restored_fails_the_task(trial: Any) -> None:
    class Forgetful(ListsOnly):
        name = "forgetful"

        def decode(self, data: bytes) -> Any:
            raise LookupError("forgotten")

    forget = give.with_options(serializer=Forgetful())
    assert "forgotten" in failure_of(trial, lambda: double.map(forget([1])))
    assert trial.states["double"] == "FAILED"


def test_coroutine_functions_can_be_mapped(trial: Any) -> None:
    @task
    async def work(number: int) -> int:
        return number + 1

    assert value_of(trial, lambda: work.map(give([1, 2]))) == [2, 3]


def test_outside_a_flow_it_is_a_list_of_what_the_function_returns() -> None:
    assert double.map([1, 2, 3]) == [2, 4, 6]
    assert add.map([1, 2], range(2), c=10) == [11, 13]
    assert double.map([]) == []


def test_outside_a_flow_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        add.map([1, 2], [1])


@pytest.mark.parametrize("lists", [(), (None,), ("abc",)])
def test_outside_a_flow_the_same_is_refused_as_inside(lists: Any) -> None:
    with pytest.raises(FlowDefinitionError):
        double.map(*lists)


def test_with_one_worker_children_start_in_the_order_of_their_items(trial: Any) -> None:
    order: list[int] = []

    @task
    def work(number: int) -> None:
        order.append(number)

    trial.run(flow_of(lambda: work.map(give(list(range(600))))), max_workers=1)
    assert order == list(range(600))


def test_a_mapped_task_can_wait_for_others(trial: Any) -> None:
    order: list[str] = []

    @task
    def note(what: str) -> None:
        order.append(what)

    def body() -> None:
        first = note("first")
        mapped = note.with_options(after=[first]).map(["a", "b"])
        note.with_options(after=[mapped])("last")

    trial.run(flow_of(body), max_workers=1).raise_for_status()
    assert order == ["first", "a", "b", "last"]


def test_arguments_of_children_are_checked(trial: Any) -> None:
    error = failure_of(trial, lambda: double.map(give([1, "two"])))
    assert error.endswith("parameter 'number' must be int; got 'two' of type str.")
    assert trial.states["double[1]"] == "FAILED"


def test_maps_in_flows_inside_have_their_flows_name(trial: Any) -> None:
    @flow
    def inner(numbers: Any) -> Any:
        return double.map(numbers)

    f = flow(name="outer", validate_parameters=False)(lambda: give(inner(give([1, 2]))))
    assert trial.run(f).result() == [2, 4]
    assert trial.states["inner.double[1]"] == "SUCCEEDED"


def test_the_largest_output_is_each_childs_own(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGY_LOCAL_ARTIFACT_MAX_BYTES", "60")
    result = trial.run(flow_of(lambda: give.map(["x" * 50] * 5)))
    assert result.result() == ["x" * 50] * 5
    assert trial.run(flow_of(lambda: give.map(["x" * 60]))).status is RunStatus.FAILED
