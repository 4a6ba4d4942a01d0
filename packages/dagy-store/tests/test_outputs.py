from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from dagy_store import LocalMetadataStore, _outputs
from dagy_store._database import Database
from dagy_types import (
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    Run,
    TaskStatus,
    TaskTransition,
    mapped_task_id,
)
from dagy_types.errors import ArtifactError

NewRun = Callable[..., Run]
At = Callable[[float], datetime]
Succeed = Callable[..., list[TaskTransition]]

_LARGE = b"x" * 20_000


@pytest.fixture
def database(directory: Path) -> Iterator[Database]:
    LocalMetadataStore(directory).close()
    database = Database(directory / "dagy.db", busy_timeout_seconds=1, sleep=time.sleep)
    yield database
    database.close()


def _reuse(task_id: str, at: datetime, origin: Origin) -> TaskTransition:
    return TaskTransition(task_id, TaskStatus.SUCCEEDED, at, origin=origin)


@pytest.fixture
def reused(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> LocalMetadataStore:
    """Run "r2" reuses a small and a large output of run "r1"."""
    store.create_run(new_run(), spec)
    store.record_tasks("r1", [*succeed("extract", at(2)), *succeed("clean", at(2), _LARGE)])
    store.create_run(new_run("r2", resumed_from="r1"), spec)
    reuses = [
        _reuse(task_id, at(3), Origin("r1", task_id, ReuseReason.RESUMED))
        for task_id in ("extract", "clean")
    ]
    store.record_tasks("r2", reuses)
    return store


def test_outputs_come_in_the_order_asked_for_and_only_where_there_are_some(
    store: LocalMetadataStore,
    mapped_spec: FlowSpec,
    new_run: NewRun,
    at: At,
    database: Database,
    succeed: Succeed,
) -> None:
    size = 3 * _outputs.OUTPUTS_OF_A_PAGE + 5
    store.create_run(new_run(), mapped_spec)
    start = TaskTransition("each", TaskStatus.RUNNING, at(2), attempt=1, map_size=size)
    store.record_tasks("r1", [start])
    made = [mapped_task_id("each", index) for index in range(0, size, 2)]
    for task_id in made:
        data = _LARGE if task_id.endswith("0]") else task_id.encode()
        store.record_tasks("r1", succeed(task_id, at(3), data))
    asked = [mapped_task_id("each", index) for index in reversed(range(size))]
    found = list(_outputs.read(database, store.directory / "artifacts", "r1", [*asked, "each", ""]))
    assert [task_id for task_id, _ in found] == made[::-1]
    for task_id, output in found:
        data = _LARGE if task_id.endswith("0]") else task_id.encode()
        assert output == Output(data, "json")


def test_outputs_are_read_page_by_page_and_large_ones_one_by_one(
    store: LocalMetadataStore,
    mapped_spec: FlowSpec,
    new_run: NewRun,
    at: At,
    database: Database,
    succeed: Succeed,
) -> None:
    size = 2 * _outputs.OUTPUTS_OF_A_PAGE
    store.create_run(new_run(), mapped_spec)
    start = TaskTransition("each", TaskStatus.RUNNING, at(2), attempt=1, map_size=size)
    store.record_tasks("r1", [start])
    asked: list[str] = []

    def ids() -> Iterator[str]:
        for index in range(size):
            asked.append(mapped_task_id("each", index))
            yield asked[-1]

    for task_id in ("each[0]", "each[1]"):
        store.record_tasks("r1", succeed(task_id, at(3), _LARGE))
    artifacts = store.directory / "artifacts"
    found = _outputs.read(database, artifacts, "r1", ids())  # type: ignore[arg-type]  # one by one
    assert next(found)[0] == "each[0]"
    assert len(asked) == _outputs.OUTPUTS_OF_A_PAGE
    (artifacts / "r1" / "each[1]" / "output").unlink()  # it is not in memory yet
    with pytest.raises(ArtifactError, match=r"task 'each\[1\]' is not whole"):
        next(found)


def test_a_reused_output_is_read_from_the_run_that_made_it(reused: LocalMetadataStore) -> None:
    assert reused.read_output("r2", "extract") == Output(b"1", "json")
    assert dict(reused.read_outputs("r2", ["extract", "clean", "load"])) == {
        "extract": Output(b"1", "json"),
        "clean": Output(_LARGE, "json"),
    }
    assert not (reused.directory / "artifacts" / "r2").exists()


def test_a_reused_output_whose_file_is_gone_is_an_artifact_error(
    reused: LocalMetadataStore,
) -> None:
    path = reused.directory / "artifacts" / "r1" / "clean" / "output"
    path.unlink()
    with pytest.raises(ArtifactError) as caught:
        reused.read_output("r2", "clean")
    assert str(path) in caught.value.message


def test_a_reused_output_whose_run_is_gone_is_an_artifact_error(
    reused: LocalMetadataStore,
) -> None:
    path = reused.directory / "dagy.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM task_runs WHERE run_id = 'r1'")  # no foreign keys here
    with pytest.raises(ArtifactError) as caught:
        reused.read_output("r2", "extract")
    assert caught.value.message == "The output that task 'extract' of run 'r2' reuses is gone."
    assert caught.value.hint is not None


def test_the_newest_output_of_a_key_is_found(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> None:
    assert store.find_cached("k") is None
    for number, seconds in enumerate((5, 9, 7)):
        run_id = f"r{number}"
        store.create_run(new_run(run_id), spec)
        data = f"{number}".encode()
        store.record_tasks(run_id, succeed("clean", at(seconds), data, cache_key="k"))
    newest = (Origin("r1", "clean", ReuseReason.CACHED), Output(b"1", "json"))
    assert store.find_cached("k") == newest
    assert store.find_cached("k", since=at(9)) == newest
    assert store.find_cached("k", since=at(9.1)) is None
    assert store.find_cached("K") is None


def test_an_output_is_found_by_its_key_only_where_it_was_made(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> None:
    """Else reusing an output would keep it from ever being too old."""
    store.create_run(new_run(), spec)
    store.record_tasks("r1", succeed("clean", at(2), cache_key="k"))
    origin = Origin("r1", "clean", ReuseReason.CACHED)
    reuse = TaskTransition("load", TaskStatus.SUCCEEDED, at(8), origin=origin, cache_key="k")
    store.record_tasks("r1", [reuse])
    assert store.find_cached("k") == (origin, Output(b"1", "json"))
    assert store.find_cached("k", since=at(3)) is None


def test_a_cached_output_whose_file_is_gone_is_an_artifact_error(
    store: LocalMetadataStore, spec: FlowSpec, new_run: NewRun, at: At, succeed: Succeed
) -> None:
    store.create_run(new_run(), spec)
    store.record_tasks("r1", succeed("clean", at(2), _LARGE, cache_key="\udcff"))
    found = store.find_cached("\udcff")
    assert found is not None
    assert found[1] == Output(_LARGE, "json")
    (store.directory / "artifacts" / "r1" / "clean" / "output").write_bytes(b"less")
    with pytest.raises(ArtifactError, match="task 'clean' is not whole"):
        store.find_cached("\udcff")
