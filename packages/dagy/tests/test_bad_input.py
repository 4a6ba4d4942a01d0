"""What authors' code can do to a run: each thing ends in a clear error and a truthful record."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy import LocalArtifact, flow, get_run_logger, task
from dagy.local import run_flow
from dagy.local.errors import TaskFailedError
from dagy_types import RunStatus
from dagy_types.errors import ArtifactError, FlowDefinitionError, WorkerLostError


@task
def give(value: Any) -> Any:
    return value


def failed(trial: Any, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Run a function as the one task of a flow with something after it; it fails."""
    executor = options.pop("executor", "threads")
    work = task(name="work", **options)(function)
    result = trial.run(flow(name="f")(lambda: give(work(*args))), executor=executor)
    assert result.status is RunStatus.FAILED
    assert trial.states == {"work": "FAILED", "give": "SKIPPED"}
    with pytest.raises(TaskFailedError) as caught:
        result.raise_for_status()
    assert caught.value.task_id == "work"
    return caught.value.__cause__


def a_generator() -> Any:
    return (number for number in range(3))


def an_async_generator() -> Any:
    async def numbers() -> Any:
        yield 1

    return numbers()


def an_open_file() -> Any:
    with Path(os.devnull).open() as file:
        return file


def a_socket() -> Any:
    with socket.socket() as channel:
        return channel


async def a_coroutine_in_a_list() -> Any:
    coroutine = a_value()
    coroutine.close()
    return [coroutine]


async def a_value() -> int:
    return 3


def itself() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("function", "type_name"),
    [
        (a_generator, "generator"),
        (an_async_generator, "async_generator"),
        (an_open_file, "TextIOWrapper"),
        (a_socket, "socket.socket"),
        (a_coroutine_in_a_list, "coroutine"),
        (lambda: map(str, [1]), "map"),
        (lambda: {"a": 1}.keys(), "dict_keys"),
        (lambda: a_value, "function"),
        (lambda: Path, "type"),
        (lambda: object(), "object"),
    ],
)
def test_a_result_that_cannot_be_recorded_is_told_by_its_type_with_a_remedy(
    trial: Any, function: Any, type_name: str
) -> None:
    error = failed(trial, function)
    assert isinstance(error, ArtifactError)
    assert f"{type_name} cannot be recorded" in error.message
    assert error.hint
    assert trial.errors["work"].startswith("ArtifactError: A value of type")


@pytest.mark.parametrize("function", [a_generator, an_open_file, a_socket, lambda: lambda: 1])
def test_what_not_even_pickle_can_hold_is_told_too(trial: Any, function: Any) -> None:
    error = failed(trial, function, serializer="pickle")
    assert isinstance(error, ArtifactError)
    assert "cannot be pickled" in error.message


def test_a_result_that_contains_itself_is_refused(trial: Any) -> None:
    assert "contains itself" in str(failed(trial, itself))


def test_a_result_that_is_nested_too_deeply_is_refused(trial: Any) -> None:
    def deep() -> Any:
        value: list[Any] = []
        for _ in range(100_000):
            value = [value]
        return value

    assert "nested too deeply" in str(failed(trial, deep))


@pytest.mark.parametrize("function", [a_value, lambda: a_value()])
def test_a_coroutine_is_run_to_its_end(trial: Any, function: Any) -> None:
    work = task(function)
    assert trial.run(flow(name="f")(lambda: work())).result() == 3


@pytest.mark.parametrize(
    "value", ["x" * 100, LocalArtifact.text("x" * 101), list(range(100)), b"x" * 99]
)
def test_an_output_over_the_limit_is_refused_with_both_sizes(
    trial: Any, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGY_LOCAL_ARTIFACT_MAX_BYTES", "100")
    error = failed(trial, lambda: value)
    assert isinstance(error, ArtifactError)
    assert "more than the limit of 100" in error.message
    assert "DAGY_LOCAL_ARTIFACT_MAX_BYTES" in str(error.hint)


def test_an_output_of_just_the_limit_is_kept(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGY_LOCAL_ARTIFACT_MAX_BYTES", "100")
    assert trial.run(flow(name="f")(lambda: give("x" * 98))).result() == "x" * 98


class OwnError(BaseException):
    """What should never be caught by chance."""


class MuteError(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


def endless() -> Any:
    return endless()


def interrupted() -> None:
    raise KeyboardInterrupt


def exits() -> None:
    raise SystemExit(3)


async def exits_later() -> None:
    exits()


async def cancelled() -> None:
    raise asyncio.CancelledError


def raiser(error: BaseException) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it


@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize(
    ("function", "told"),
    [
        (exits, "SystemExit: 3"),
        (exits_later, "SystemExit: 3"),
        (interrupted, "KeyboardInterrupt"),
        (cancelled, "CancelledError"),
        (raiser(OwnError("mine")), "OwnError: mine"),
        (raiser(GeneratorExit()), "GeneratorExit"),
        (raiser(StopIteration(3)), "StopIteration: 3"),
        (raiser(MemoryError()), "MemoryError"),
        (endless, "RecursionError: maximum recursion depth exceeded"),
        (raiser(MuteError()), "MuteError: <message cannot be shown>"),
        (raiser(ValueError("two\nlines")), "ValueError: two lines"),
        (raiser(ValueError("x" * 10_000)), "ValueError: " + "x" * 200),
    ],
)
def test_whatever_a_task_raises_fails_it(
    trial: Any, function: Any, told: str, executor: str
) -> None:
    error = failed(trial, function, executor=executor)
    assert trial.errors["work"].startswith(told)
    assert len(trial.errors["work"]) <= 300
    assert type(error).__name__ == told.partition(":")[0]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (lambda: os._exit(7), "it ended with exit status 7"),
        (lambda: os._exit(0), "it ended with exit status 0"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "it was killed by SIGKILL"),
        (lambda: os.kill(os.getpid(), signal.SIGUSR1), "it was killed by SIGUSR1"),
    ],
)
def test_a_task_that_ends_its_process_fails_and_nothing_else_does(
    trial: Any, ends: Any, told: str
) -> None:
    lost = task(name="work")(ends)

    @flow(executor="processes", fail_fast=False)
    def f() -> Any:
        return [give(lost()), give(give(1)), give.map([1, 2, 3])]

    result = trial.run(f, max_workers=2)
    assert result.status is RunStatus.FAILED
    assert trial.errors["work"] == f"WorkerLostError: Task 'work' lost its process: {told}."
    assert trial.states["give"] == "SKIPPED"
    assert {state for name, state in trial.states.items() if name not in ("work", "give")} == {
        "SUCCEEDED"
    }


def test_a_task_that_lost_its_process_is_tried_again(trial: Any, tmp_path: Path) -> None:
    been_here = tmp_path / "been-here"
    asked: list[type] = []

    def dies_once() -> str:
        if not been_here.exists():
            been_here.touch()
            os._exit(1)
        return "done"

    def is_lost(error: Exception) -> bool:
        asked.append(type(error))
        return isinstance(error, WorkerLostError)

    work = task(retries=1, retry_condition_fn=is_lost)(dies_once)
    f = flow(name="f", executor="processes")(lambda: work())
    assert trial.run(f).result() == "done"
    assert asked == [WorkerLostError]
    assert trial.task_runs["dies_once"].attempt == 2


def nobody_takes(_: Any) -> None:
    """A hook of too few arguments."""


class Unshowable:
    """A hook without a name that raises what cannot be shown."""

    def __call__(self, *_: Any) -> None:
        raise MuteError

    def __repr__(self) -> str:
        return "<Unshowable>"


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (lambda *_: exits(), "SystemExit"),
        (lambda *_: interrupted(), "KeyboardInterrupt"),
        (nobody_takes, "TypeError"),
        (Unshowable(), "Hook <Unshowable> raised"),
        (lambda *_: raiser(OwnError("mine"))(), "OwnError: mine"),
    ],
)
def test_a_hook_that_raises_is_logged_and_changes_nothing(trial: Any, hook: Any, told: str) -> None:
    events = ("on_running", "on_completion", "on_retry", "on_failure")
    hooks: Any = {name: [hook] for name in events}
    times: list[int] = []

    @task(retries=1, **hooks)
    def flaky() -> int:
        times.append(1)
        if len(times) == 1:
            raise ValueError
        return len(times)

    assert trial.run(flow(name="f", **hooks)(lambda: flaky())).result() == 2
    of_hooks = [each for each in trial.logs() if each.logger == "dagy.hooks"]
    assert len(of_hooks) == 6  # four attempts' and the end's, two of the flow's
    assert all(told in each.message and each.level == "ERROR" for each in of_hooks)
    assert [each.task_id for each in of_hooks].count("flaky") == 4


class Undecided:
    """Neither true nor false."""

    def __bool__(self) -> bool:
        raise ValueError("undecided")


@pytest.mark.parametrize("of_flow", [False, True])
@pytest.mark.parametrize(
    ("predicate", "told"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda: True, "TypeError"),
        (lambda _: Undecided(), "undecided"),
        (lambda _: exits(), "SystemExit"),
        (lambda _: raiser(OwnError("mine"))(), "mine"),
    ],
)
def test_a_predicate_that_raises_means_no_retry_and_is_logged(
    trial: Any, predicate: Any, told: str, of_flow: bool
) -> None:
    calls: list[int] = []
    options = {"retries": 3, "retry_condition_fn": predicate}

    @task(**({} if of_flow else options))
    def fail() -> None:
        calls.append(1)
        raise ValueError

    result = trial.run(flow(name="f", **(options if of_flow else {}))(lambda: fail()))
    assert (result.status, calls) == (RunStatus.FAILED, [1])
    assert any("retry_condition_fn raised" in each and told in each for each in trial.messages())


@pytest.mark.parametrize(("answer", "calls"), [(None, 1), (0, 1), ("", 1), ("no", 3), ([0], 3)])
def test_what_a_predicate_returns_counts_as_true_or_false(
    trial: Any, answer: Any, calls: int
) -> None:
    made: list[int] = []

    @task(retries=2, retry_condition_fn=lambda _: answer)
    def fail() -> None:
        made.append(1)
        raise ValueError

    trial.run(flow(name="f")(lambda: fail()))
    assert len(made) == calls


class Serializer:
    """One of an author's own, which does what a test wants."""

    def __init__(self, encode: Any = None, decode: Any = None) -> None:
        self.name = "own"
        self.encode = encode or (lambda value: repr(value).encode())
        self.decode = decode or eval


@pytest.mark.parametrize(
    ("encode", "told"),
    [
        (lambda value: "text", "Serializer 'own' encoded a value as str, not as"),
        (lambda value: None, "Serializer 'own' encoded a value as NoneType"),
        (lambda value: bytearray(b"1"), "Serializer 'own' encoded a value as byte"),
        (lambda value: 1 / 0, "ZeroDivisionError"),
        (lambda: b"", "TypeError"),
        (lambda value: exits(), "SystemExit: 3"),
    ],
)
def test_a_serializer_that_cannot_encode_fails_the_task(trial: Any, encode: Any, told: str) -> None:
    failed(trial, lambda: 1, serializer=Serializer(encode=encode))
    assert told in trial.errors["work"]


@pytest.mark.parametrize(
    ("decode", "told"),
    [(lambda data: 1 / 0, "ZeroDivisionError"), (lambda data: exits(), "SystemExit: 3")],
)
def test_a_serializer_that_cannot_decode_fails_what_needs_the_value(
    trial: Any, decode: Any, told: str
) -> None:
    make = give.with_options(name="make", serializer=Serializer(decode=decode))

    def body() -> Any:
        made = make(1)
        return [
            give(made),
            give.with_options(name="on-condition").run_if(made)(2),
            give.with_options(name="mapped").map(made),
            give.with_options(name="cached", cache="inputs")([made]),
            give("apart"),
        ]

    result = trial.run(flow(name="f", fail_fast=False)(body))
    assert result.status is RunStatus.FAILED
    assert trial.states == {
        "make": "SUCCEEDED",
        **dict.fromkeys(["give", "on-condition", "mapped", "cached"], "FAILED"),
        "give-2": "SUCCEEDED",
    }
    assert all(told in trial.errors[name] for name in ("give", "on-condition", "mapped", "cached"))


def test_hooks_of_a_task_whose_inputs_cannot_be_restored_log_that(trial: Any) -> None:
    told: list[Any] = []
    make = give.with_options(serializer=Serializer(decode=lambda data: 1 / 0))
    noted = give.with_options(name="noted", on_failure=[lambda *_: told.append(1)])
    trial.run(flow(name="f")(lambda: noted(make(1))))
    assert told == []
    assert any(each.logger == "dagy.hooks" for each in trial.logs("noted"))


def test_two_serializers_of_one_name_are_refused(trial: Any) -> None:
    one, other = (give.with_options(serializer=Serializer()) for _ in range(2))
    with pytest.raises(FlowDefinitionError, match="Two serializers have the name 'own'"):
        trial.run(flow(name="f")(lambda: other(one(1))))


def test_a_task_can_log_and_print_anything(trial: Any) -> None:
    @task
    def talk() -> None:
        print("\udcff \x00 \x1b[31m", end="")
        print(Unshowable())
        get_run_logger().info("%s and %s", "one")  # an argument is missing

    assert trial.run(flow(name="f")(lambda: talk())).status in (
        RunStatus.SUCCEEDED,
        RunStatus.FAILED,
    )
    assert "\udcff \x00 \x1b[31m<Unshowable>" in trial.messages("talk")


def test_a_task_that_runs_a_flow_has_a_run_of_its_own(trial: Any) -> None:
    inner = flow(name="inner")(lambda: give(2))
    work = task(name="work")(lambda: run_flow(inner, {}, recorder=trial.store).result())
    assert trial.run(flow(name="outer")(lambda: give(work()))).result() == 2
    assert sorted(run.flow_name for run in trial.store.list_runs(limit=9)) == ["inner", "outer"]
