"""Which runs a query selects, and in which order."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dagy_types import Run, RunOrder, RunQuery, RunStatus, select_runs
from dagy_types.errors import NotFoundError

_NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def _run(run_id: str, created: int, started: int | None = None, **values: Any) -> Run:
    return Run(
        run_id=run_id,
        flow_name=values.pop("flow_name", "daily"),
        flow_version="1",
        status=values.pop("status", RunStatus.RUNNING),
        created_at=_NOON + timedelta(seconds=created),
        started_at=None if started is None else _NOON + timedelta(seconds=started),
        **values,
    )


_RUNS = [
    _run("b", 1, 9),
    _run("a", 1, 8, flow_name="hourly"),
    _run("c", 2, status=RunStatus.QUEUED),
    _run("ab", 3, 3, status=RunStatus.FAILED),
]


def _selected(**query: Any) -> list[str]:
    return [run.run_id for run in select_runs(RunQuery(**query), _RUNS)]


def test_unless_told_otherwise_all_are_selected_the_newest_first() -> None:
    assert _selected() == ["ab", "c", "b", "a"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"status": RunStatus.FAILED}, ["ab"]),
        ({"flow_name": "hourly"}, ["a"]),
        ({"since": _NOON + timedelta(seconds=2)}, ["ab", "c"]),
        ({"id_prefix": "a"}, ["ab", "a"]),
        ({"id_prefix": "a", "flow_name": "daily"}, ["ab"]),
    ],
)
def test_each_filter_narrows_the_list_down(query: dict[str, Any], ids: list[str]) -> None:
    assert _selected(**query) == ids


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("created", ["a", "b", "c", "ab"]),
        ("-created", ["ab", "c", "b", "a"]),
        ("started", ["ab", "a", "b"]),
        ("-started", ["b", "a", "ab"]),
    ],
)
def test_a_list_goes_on_after_any_run_of_its_order(order: str, ids: list[str]) -> None:
    assert _selected(order=RunOrder(order)) == ids
    for number, run_id in enumerate(ids):
        assert _selected(order=RunOrder(order), after=run_id) == ids[number + 1 :]


def test_the_run_to_go_on_after_need_not_fit() -> None:
    assert _selected(after="c", flow_name="hourly") == ["a"]


@pytest.mark.parametrize("query", [{"after": "x"}, {"after": "c", "order": RunOrder.STARTED}])
def test_a_run_without_a_place_in_the_list_is_nothing_to_go_on_after(query: dict[str, Any]) -> None:
    with pytest.raises(NotFoundError, match="cannot go on after run"):
        _selected(**query)
