from __future__ import annotations

import math
import socket
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy._serializer import JsonSerializer
from dagy_types.errors import ArtifactError

JSON = JsonSerializer()


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    HIGH = 3


@dataclass
class Inner:
    when: datetime


@dataclass(frozen=True)
class Outer:
    inner: Inner
    tags: tuple[str, ...] = ()
    computed: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "computed", self.computed + 1)


class Handmade:
    pass


def same(left: Any, right: Any) -> bool:
    """Equal, and of equal types all the way down; NaN equals NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(map(same, left.values(), right.values()))
    return bool(left == right)


HASHABLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters()),
    st.binary(),
    st.dates(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones(), st.just(timezone.utc))),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.just(Path("a/b")),
    st.just(Colour.RED),
    st.just(Level.HIGH),
)
VALUES = st.recursive(
    HASHABLE | st.floats() | st.complex_numbers(allow_nan=False),
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.sets(HASHABLE),
        st.frozensets(HASHABLE),
        st.dictionaries(HASHABLE, inner),
        st.dictionaries(st.text("$ab"), inner),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_every_supported_value_comes_back_equal_and_of_the_same_type(value: Any) -> None:
    assert same(JSON.decode(JSON.encode(value)), value)


@pytest.mark.parametrize("key", ["$tuple", "$dict", "$unknown", "$"])
def test_a_dictionary_that_looks_like_an_extension_stays_a_dictionary(key: str) -> None:
    assert JSON.decode(JSON.encode({key: [1]})) == {key: [1]}


def test_plain_json_is_written_as_it_is() -> None:
    assert JSON.encode({"a": [1, "ü", None]}) == b'{"a":[1,"\\u00fc",null]}'


def test_dataclasses_come_back_without_running_their_initialiser() -> None:
    value = Outer(Inner(datetime(2026, 11, 1, tzinfo=timezone.utc)), ("x",))
    restored = JSON.decode(JSON.encode(value))
    assert restored == value
    assert restored.computed == 1


def test_a_repeated_hour_is_told_apart() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    late = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    assert JSON.decode(JSON.encode(late)).fold == 1
    assert JSON.decode(JSON.encode(late)).tzinfo is berlin


class Subclass(dict[str, int]):
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Handmade(),
        Subclass(),
        OrderedDict(a=1),
        [{"deep": {1, Handmade}}],
        lambda: None,
        (x for x in ()),
        time(tzinfo=ZoneInfo("Europe/Berlin")),
    ],
)
def test_what_cannot_come_back_exactly_is_refused_by_type(value: Any) -> None:
    with pytest.raises(ArtifactError, match="cannot be recorded") as caught:
        JSON.encode(value)
    assert caught.value.hint is not None


def test_the_refusal_names_the_type_in_full() -> None:
    with pytest.raises(ArtifactError, match=r"type .*test_serializer\.Handmade cannot"):
        JSON.encode([Handmade()])


def test_a_class_that_is_not_found_by_its_name_is_refused() -> None:
    @dataclass
    class Local:
        x: int

    with pytest.raises(ArtifactError, match="its class is not found by that name"):
        JSON.encode(Local(1))


def test_a_dataclass_with_more_than_its_fields_is_refused() -> None:
    value = Inner(datetime(2026, 1, 1))
    value.extra = 1  # type: ignore[attr-defined]
    with pytest.raises(ArtifactError, match="Inner cannot be recorded"):
        JSON.encode(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ArtifactError, match="contains itself"):
        JSON.encode(loop)


def test_a_number_of_too_many_digits_is_refused() -> None:
    with pytest.raises(ArtifactError, match="cannot be written as JSON"):
        JSON.encode(10**5000)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"\xff",
        b'{"$decimal":"x"}',
        b'{"$enum":[["gone.module","X"],"Y"]}',
        b'{"$dataclass":[["dagy","Gone"],{}]}',
        b'{"$tuple":3}',
    ],
)
def test_bytes_that_cannot_be_restored_are_refused(data: bytes) -> None:
    with pytest.raises(ArtifactError, match="cannot be restored"):
        JSON.decode(data)


def test_each_decoded_copy_is_its_own() -> None:
    data = JSON.encode({"list": [UUID(int=0), timedelta(1), date(2026, 1, 1), Decimal("1.0")]})
    assert JSON.decode(data) == JSON.decode(data)
    assert JSON.decode(data)["list"] is not JSON.decode(data)["list"]


def test_numbers_that_are_not_finite_come_back() -> None:
    values = [math.nan, math.inf, -math.inf, -0.0]
    restored = JSON.decode(JSON.encode(values))
    assert list(map(repr, restored)) == list(map(repr, values))
    assert math.isnan(JSON.decode(JSON.encode({"x": complex(math.nan, 1)}))["x"].real)


def test_equal_sets_have_equal_text() -> None:
    forwards = {f"item {number}" for number in range(100)}
    backwards = {f"item {number}" for number in reversed(range(100))}
    mixed = {(1, "a"), 2, "b", None}
    assert JSON.encode(forwards) == JSON.encode(frozenset(backwards)).replace(b"frozen", b"")
    assert JSON.decode(JSON.encode(mixed)) == mixed


async def coroutine() -> None: ...


async def numbers() -> Any:
    yield 1


def refused(value: Any) -> tuple[str, str]:
    with pytest.raises(ArtifactError) as caught:
        JSON.encode(value)
    return caught.value.message, str(caught.value.hint)


def test_what_gives_its_items_one_by_one_is_refused_with_the_remedy() -> None:
    for value, name in (
        ((x for x in ()), "generator"),
        (iter([1]), "list_iterator"),
        (map(str, [1]), "map"),
        ({}.keys(), "dict_keys"),
        ({}.items(), "dict_items"),
    ):
        message, hint = refused(value)
        assert f"of type {name} cannot be recorded" in message
        assert hint.startswith("Return a list: list(")
    message, hint = refused(numbers())
    assert "of type async_generator cannot" in message
    assert "async for" in hint


def test_a_coroutine_is_refused_with_the_remedy() -> None:
    value = coroutine()
    message, hint = refused([value])
    value.close()
    assert "of type coroutine cannot be recorded" in message
    assert "await it" in hint


def test_open_files_and_connections_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as file:
        message, hint = refused(file)
    assert "of type _io.TextIOWrapper cannot be recorded" in message
    assert "LocalArtifact.file" in hint
    with socket.socket() as connection:
        message, hint = refused(connection)
    assert "of type socket.socket cannot be recorded" in message
    assert "return what was read" in hint
