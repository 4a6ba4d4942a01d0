from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dagy import flow, task
from dagy._resumption import Resumption
from dagy._serializers import Serializers, encode, serializer_for
from dagy._shortcuts import Reuse, Shortcuts, Skip
from dagy._tracing import Graph
from dagy_types import Attempt, Origin, Output, ReuseReason
from dagy_types.errors import ArtifactError

NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
ORIGIN = Origin("r0", "give", ReuseReason.RESUMED)
FOUND = (Origin("r0", "cached", ReuseReason.CACHED), Output(b"7", "json"))


def encoded(value: Any) -> Output:
    return encode(value, serializer_for("json"))


class Cache:
    """A recorder that finds the same thing each time, and keeps what it was asked."""

    def __init__(self, found: Any = None) -> None:
        self.found = found
        self.asked: list[tuple[str, datetime | None]] = []

    def find_cached(self, key: str, *, since: datetime | None = None) -> Any:
        self.asked.append((key, since))
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@task
def give(value: Any = None) -> Any: ...


@task(cache="inputs")
def cached(value: Any, other: Any = 1) -> Any: ...


def shortcuts(resumption: Resumption | None = None, cache: Any = None) -> Shortcuts:
    return Shortcuts(resumption or Resumption(), cache, Serializers([]), now=lambda: NOW)


def graph_of(body: Callable[[], Any]) -> Graph:
    return flow(body).trace({})


def key_of(body: Callable[[], Any], attempt: Attempt | None = None, task_id: str = "cached") -> str:
    """Return under which key the output of a cached task is looked for."""
    cache = Cache()
    call = graph_of(body).calls[task_id]
    assert shortcuts(cache=cache).in_cache(call, attempt or Attempt(task_id, 1)) is None
    [(key, since)] = cache.asked
    assert since is None
    return key


def test_most_tasks_concern_no_shortcut() -> None:
    def body() -> None:
        cached(give())
        give.run_if(give())()

    calls = graph_of(body).calls
    plain = shortcuts()
    told = {task_id: plain.may_concern(call) for task_id, call in calls.items()}
    assert told == {"give": False, "cached": True, "give-2": False, "give-3": True}
    assert shortcuts(Resumption(left_out=frozenset({"x"}))).may_concern(calls["give"])
    assert shortcuts(Resumption(origins={"x": ORIGIN})).may_concern(calls["give"])


def test_what_the_earlier_run_did_is_reused_and_what_is_left_out_is_skipped() -> None:
    found = shortcuts(
        Resumption(
            origins={"give": ORIGIN, "unasked": ORIGIN},
            left_out=frozenset({"out"}),
            outputs={"give": encoded(1)},
        )
    )
    assert found.of_earlier_run("give") == Reuse(ORIGIN, encoded(1))
    assert found.of_earlier_run("unasked") == Reuse(ORIGIN, None)
    assert found.of_earlier_run("out") == Skip("Left out: only what failed is run again.")
    assert found.of_earlier_run("other") is None


@pytest.mark.parametrize(("value", "is_skipped"), [([], True), ([0], False)])
def test_a_condition_is_decided_by_the_truth_of_the_value(value: Any, is_skipped: bool) -> None:
    call = graph_of(lambda: give.run_if(give())()).calls["give-2"]
    skip = shortcuts().by_condition(call, lambda _: encoded(value))
    assert (skip is not None) == is_skipped
    if skip is not None:
        assert skip.reason == "run_if: what 'give' returned is false."


def test_what_is_in_the_cache_is_reused() -> None:
    call = graph_of(lambda: cached(1)).calls["cached"]
    cache = Cache(FOUND)
    found = shortcuts(cache=cache)
    assert found.in_cache(call, Attempt("cached", 1)) == Reuse(*FOUND)
    assert found.take_cache_key("cached") is None


def test_a_task_that_has_to_run_tells_its_key_once() -> None:
    call = graph_of(lambda: cached(1)).calls["cached"]
    cache = Cache()
    found = shortcuts(cache=cache)
    assert found.take_cache_key("cached") is None
    assert found.in_cache(call, Attempt("cached", 1)) is None
    assert found.take_cache_key("cached") == cache.asked[0][0]
    assert found.take_cache_key("cached") is None


def test_an_output_whose_file_is_gone_is_made_anew() -> None:
    call = graph_of(lambda: cached(1)).calls["cached"]
    cache = Cache(ArtifactError("It is gone."))
    found = shortcuts(cache=cache)
    assert found.in_cache(call, Attempt("cached", 1)) is None
    assert found.take_cache_key("cached") == cache.asked[0][0]


def test_an_output_older_than_its_time_to_live_is_not_looked_for() -> None:
    lasting = cached.with_options(cache_ttl=60)
    call = graph_of(lambda: lasting(1)).calls["cached"]
    cache = Cache()
    shortcuts(cache=cache).in_cache(call, Attempt("cached", 1))
    assert cache.asked[0][1] == NOW - timedelta(seconds=60)


def test_equal_inputs_have_one_key_however_they_arrive() -> None:
    by_position = key_of(lambda: cached(5))
    assert key_of(lambda: cached(value=5, other=1)) == by_position  # a default counts as given
    made = Attempt("cached", 1, {"give": encoded(5)})
    assert key_of(lambda: cached(give()), made) == by_position
    child = Attempt("cached[1]", 1, {}, 1, (None,))
    assert key_of(lambda: cached.map([4, 5]), child) == by_position
    item = Attempt("cached[1]", 1, {}, 1, (encoded(5),))
    assert key_of(lambda: cached.map(give()), item) == by_position


def test_other_inputs_have_another_key() -> None:
    keys = [
        key_of(lambda: cached(5)),
        key_of(lambda: cached(5.0)),
        key_of(lambda: cached("5")),
        key_of(lambda: cached([5])),
        key_of(lambda: cached((5,))),
        key_of(lambda: cached(5, 2)),
    ]
    assert len(set(keys)) == len(keys)


def test_what_is_inside_an_argument_and_what_a_map_returned_count_by_value() -> None:
    inputs = {"give": encoded(1), "give-2": (encoded(2), encoded(3))}
    nested = key_of(lambda: cached([give(), 9]), Attempt("cached", 1, inputs))
    assert nested == key_of(lambda: cached([1, 9]))

    def of_mapped() -> None:
        give()
        cached(give.map([0, 0]))

    assert key_of(of_mapped, Attempt("cached", 1, inputs)) == key_of(lambda: cached([2, 3]))


def test_the_code_counts_only_where_it_is_asked_for() -> None:
    with_code = cached.with_options(cache="inputs+code")
    assert key_of(lambda: with_code(1)) != key_of(lambda: cached(1))


def test_inputs_without_an_exact_encoding_have_no_key() -> None:
    call = graph_of(lambda: cached(object())).calls["cached"]
    with pytest.raises(ArtifactError):
        shortcuts(cache=Cache()).in_cache(call, Attempt("cached", 1))
