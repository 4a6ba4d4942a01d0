from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from dagy_cli.render.table_text import chunks
from dagy_cli.render.view import Surface, View
from dagy_cli.run_views import (
    hidden_line,
    run_fields,
    run_with_tasks_document,
    runs_table,
    tasks_table,
)
from dagy_cli.task_groups import groups_of
from dagy_store import LocalMetadataStore
from dagy_types import Origin, ReuseReason, TaskRun, TaskStatus, run_document

MOMENT = datetime(2026, 11, 1, 8, 0, tzinfo=timezone.utc)


def test_the_document_of_a_run_holds_its_tasks(
    store: LocalMetadataStore, add_run: Callable[..., str]
) -> None:
    run_id = add_run()
    run, task_runs = store.get_run(run_id), store.list_task_runs(run_id)
    document = run_with_tasks_document(run, task_runs)
    assert [task["task_id"] for task in document.pop("tasks")] == ["load", "report"]
    assert document == run_document(run)


def test_tables_have_a_row_for_each_record(
    store: LocalMetadataStore, add_run: Callable[..., str]
) -> None:
    run_id = add_run()
    run, task_runs = store.get_run(run_id), store.list_task_runs(run_id)
    cells = [[cell.text for cell in row] for row in tasks_table(groups_of(task_runs)).rows]
    assert cells == [
        ["load", "SUCCEEDED", "1", "1.0 s", ""],
        ["report", "FAILED", "1", "2.0 s", "Boom"],
    ]
    (row,) = runs_table([run]).rows
    assert [cell.text for cell in row][:3] == [run_id, "daily", "FAILED"]


def test_fields_tell_all_of_a_run(store: LocalMetadataStore, add_run: Callable[..., str]) -> None:
    fields = dict(run_fields(store.get_run(add_run())).pairs)
    assert fields["Flow"].text == "daily (version latest)"
    assert fields["Parameters"].text == '{"day": "2026-11-01", "tags": ["a", "b"]}'
    assert fields["Error"].text == "Task 'report' failed: Boom"
    assert fields["Duration"].text == "4.0 s"


def test_a_reused_output_says_where_it_comes_from(make_task: Callable[..., TaskRun]) -> None:
    resumed = make_task("a", origin=Origin("f3k9v0c2m7xq", "a", ReuseReason.RESUMED))
    cached = make_task("b", origin=Origin("f3k9v0c2m7xq", "x", ReuseReason.CACHED))
    skipped = make_task("c", TaskStatus.SKIPPED, error="is_new was False")
    notes = [row[-1].text for row in tasks_table(groups_of([resumed, cached, skipped])).rows]
    assert notes == ["resumed from f3k9v0c2m7xq", "cached from f3k9v0c2m7xq", "is_new was False"]


def test_a_note_fits_on_a_terminal_of_80_columns(make_task: Callable[..., TaskRun]) -> None:
    task = make_task(
        "load-orders",
        started_at=MOMENT,
        ended_at=MOMENT + timedelta(hours=11, minutes=22),
        origin=Origin("f3k9v0c2m7xq", "a", ReuseReason.RESUMED),
    )
    table = tasks_table(groups_of([task]))
    view = View(documents=[], is_list=False, blocks=[table])
    lines = "".join(chunks(view, Surface(width=80))).splitlines()
    assert max(map(len, lines)) <= 80
    assert "resumed from f3k9v0c2m7xq" in lines[3]


def test_a_mapped_task_is_one_row_and_those_of_its_first_failures(
    store: LocalMetadataStore, add_mapped_run: Callable[..., str]
) -> None:
    run = store.get_run(add_mapped_run(children=1000, failures=12))
    groups = groups_of(store.list_task_runs(run.run_id))
    rows = [[cell.text for cell in row] for row in tasks_table(groups).rows]
    assert rows[1] == ["step", "FAILED", "1", "2.0 s", "988/1000 done: Boom"]
    assert [row[0] for row in rows[2:-1]] == [f"step[{n}]" for n in range(988, 998)]
    assert rows[-1] == ["...", "", "", "", "2 more failed"]
    assert hidden_line(run, groups, groups) == (
        f"990 more tasks: dagy runs show {run.run_id} --children"
    )
    assert len(tasks_table(groups, lists_children=True).rows) == 1002


def test_nothing_is_said_of_hidden_tasks_where_none_is(
    store: LocalMetadataStore, add_run: Callable[..., str]
) -> None:
    run = store.get_run(add_run())
    groups = groups_of(store.list_task_runs(run.run_id))
    assert hidden_line(run, groups, groups) is None
    assert hidden_line(run, groups, groups[:1]) == f"1 more task: dagy runs show {run.run_id}"


def test_fields_tell_where_a_run_comes_from_and_what_it_ran_on(
    store: LocalMetadataStore, add_run: Callable[..., str]
) -> None:
    run = store.get_run(add_run())
    assert not {"Source", "Environment", "Resumed from"} & set(dict(run_fields(run).pairs))
    told = replace(
        run,
        source="etl/daily.py:daily",
        resumed_from="f3k9v0c2m7xq",
        environment={"platform": "Linux-6.1-x86_64", "python": "3.11.4", "dagy": "0.1.0"},
    )
    fields = {name: cell.text for name, cell in run_fields(told).pairs}
    assert fields["Source"] == "etl/daily.py:daily"
    assert fields["Resumed from"] == "f3k9v0c2m7xq"
    assert fields["Environment"] == "Python 3.11.4 on Linux-6.1-x86_64"
