from __future__ import annotations

import threading
from typing import Any

import pytest

from dagy import flow, task
from dagy._pickle_serializer import PickleSerializer
from dagy._serializers import Serializers, encode, serializer_for
from dagy.local import LocalLogger, run_flow
from dagy_types import Output
from dagy_types.errors import ArtifactError, FlowDefinitionError

QUIET = LocalLogger(quiet=True)


class Point:
    """Neither JSON nor a dataclass, but found by its name."""

    def __init__(self, x: int) -> None:
        self.x = x


class Shouting:
    """A serializer of somebody's own."""

    name = "shouting"

    def encode(self, value: Any) -> bytes:
        return str(value).upper().encode()

    def decode(self, data: bytes) -> Any:
        return data.decode()


@task(serializer="pickle")
def make() -> Point:
    return Point(3)


@task
def read(point: Point, text: str) -> list[Any]:
    point.x += 1
    return [point.x, text]


def test_each_task_keeps_its_output_as_it_asks_for(recorder: Any) -> None:
    @task(serializer=Shouting())
    def shout() -> str:
        return "quiet"

    @flow
    def f() -> Any:
        point, text = make(), shout()
        return read(point, text), read(point, text), point

    first, second, point = run_flow(f, {}, recorder=recorder, logger=QUIET).result()
    assert first == second == [4, "QUIET"]
    assert (type(point), point.x) == (Point, 3)
    written = {each.task_id: each.output.serializer for each in recorder.transitions if each.output}
    assert written == {"make": "pickle", "shout": "shouting", "read": "json", "read-2": "json"}


def test_what_cannot_be_pickled_fails_its_task_with_the_type(recorder: Any) -> None:
    @task(serializer="pickle")
    def lock() -> Any:
        return threading.Lock()

    @flow
    def f() -> Any:
        return lock()

    result = run_flow(f, {}, recorder=recorder, logger=QUIET)
    assert "A value of type lock cannot be pickled" in result.error


def test_a_pickle_that_cannot_be_read_is_told() -> None:
    with pytest.raises(ArtifactError, match="cannot be restored"):
        PickleSerializer().decode(b"no pickle")


@pytest.mark.parametrize("choice", ["xml", 3, None, object(), Shouting])
def test_only_serializers_are_taken(choice: Any) -> None:
    with pytest.raises(FlowDefinitionError, match="serializer must be one of json, pickle"):
        serializer_for(choice)


def test_two_serializers_of_one_name_are_refused_before_anything_runs(recorder: Any) -> None:
    @flow
    def f() -> None:
        make.with_options(serializer=Shouting())()
        make.with_options(serializer=Shouting())()

    with pytest.raises(FlowDefinitionError, match="Two serializers have the name 'shouting'"):
        run_flow(f, {}, recorder=recorder, logger=QUIET)
    assert recorder.run is None


def test_built_in_serializers_are_known_without_being_used() -> None:
    assert Serializers([]).restore(Output(b"[1]", "json")) == [1]


def test_a_serializer_must_make_bytes() -> None:
    class Wrong(Shouting):
        def encode(self, value: Any) -> Any:
            return "text"

    with pytest.raises(ArtifactError, match="'shouting' encoded a value as str, not as bytes"):
        encode(3, Wrong())
    assert encode("a", Shouting()) == Output(b"A", "shouting")


def test_an_output_of_an_unknown_serializer_is_told() -> None:
    with pytest.raises(ArtifactError, match="by a serializer 'shouting'"):
        Serializers([]).restore(Output(b"A", "shouting"))


@pytest.mark.parametrize("value", [None, True, 7, -0.0, "as short as a name"])
def test_what_nobody_can_change_is_read_once_and_shared(value: Any) -> None:
    serializers, output = Serializers([]), encode(value, serializer_for("json"))
    restored = serializers.restore(output)
    assert repr(restored) == repr(value)
    assert serializers.restore(output) is restored


@pytest.mark.parametrize("value", [[1], {"a": 1}, (1, [2]), {1}])
def test_what_can_be_changed_is_new_for_everybody(value: Any) -> None:
    serializers, output = Serializers([]), encode(value, serializer_for("json"))
    one, other = serializers.restore(output), serializers.restore(output)
    assert one == other == value
    assert one is not other


def test_the_same_bytes_of_another_serializer_are_another_value() -> None:
    serializers = Serializers([Shouting()])
    assert serializers.restore(Output(b"1", "json")) == 1
    assert serializers.restore(Output(b"1", "shouting")) == "1"


def test_of_many_shared_values_each_stays_itself() -> None:
    serializers = Serializers([])
    outputs = [Output(str(number).encode(), "json") for number in range(10_000)]
    for _ in range(2):
        assert [serializers.restore(each) for each in outputs] == list(range(10_000))
