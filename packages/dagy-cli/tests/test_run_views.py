from __future__ import annotations

from collections.abc import Callable

from dagy_cli.run_views import run_fields, run_with_tasks_document, runs_table, tasks_table
from dagy_store import LocalMetadataStore
from dagy_types import run_document


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
    cells = [[cell.text for cell in row] for row in tasks_table(task_runs).rows]
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
