from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, field

from dagy._task_output import TaskOutput
from dagy._template import rebuild

OUTPUT = TaskOutput("a", None)
Pair = namedtuple("Pair", "left right")


@dataclass(frozen=True)
class Point:
    x: object
    computed: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "computed", f"from {self.x!r}")


def test_placeholders_are_found_in_every_container() -> None:
    value = [OUTPUT, (OUTPUT, 1), {"k": OUTPUT}, {OUTPUT}, frozenset({OUTPUT}), Pair(OUTPUT, 2)]
    assert rebuild(value, lambda output: output.task_id) == [
        "a",
        ("a", 1),
        {"k": "a"},
        {"a"},
        frozenset({"a"}),
        Pair("a", 2),
    ]


def test_a_dataclass_keeps_its_type_and_is_not_initialised_again() -> None:
    rebuilt = rebuild(Point(OUTPUT), lambda _: 3)
    assert type(rebuilt) is Point
    assert rebuilt.x == 3
    assert rebuilt.computed == "from TaskOutput('a')"


def test_containers_are_new_and_other_objects_are_the_same() -> None:
    thing = object()
    value = {"list": [thing]}
    rebuilt = rebuild(value, lambda output: output)
    assert rebuilt == value
    assert rebuilt["list"] is not value["list"]
    assert rebuilt["list"][0] is thing
