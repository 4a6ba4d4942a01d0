"""Backups, checks and pruning, on records with real files and beside real writers."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from dagy_store import LocalMetadataStore
from dagy_store._prune import TASK_COUNT
from dagy_store.maintenance import backup, check, prune, salvage
from dagy_types import (
    FlowSpec,
    Origin,
    Output,
    ReuseReason,
    Run,
    RunEnd,
    RunQuery,
    RunStatus,
    TaskSpec,
    TaskStatus,
    TaskTransition,
)
from dagy_types.errors import StoreError, UsageError

LARGE = 20_000
TASKS = ("extract", "load")
FOREVER = datetime(2100, 1, 1, tzinfo=timezone.utc)
MOMENT = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def _record(
    store: LocalMetadataStore,
    run_id: str,
    *,
    days: int = 0,
    flow: str = "daily",
    resumes: str | None = None,
    ends: bool = True,
    tasks: tuple[str, ...] = TASKS,
) -> None:
    """Record a run, so many days after the first; one that resumes another uses its outputs."""
    at = MOMENT + timedelta(days=days)
    run = Run(
        run_id=run_id,
        flow_name=flow,
        flow_version="1",
        status=RunStatus.RUNNING,
        created_at=at,
        started_at=at,
        resumed_from=resumes,
    )
    specs = tuple(TaskSpec(task_id=each, name=each) for each in tasks)
    store.create_run(run, FlowSpec(name=flow, tasks=specs))
    for number, task_id in enumerate(tasks):
        if resumes is not None:
            origin = Origin(resumes, task_id, ReuseReason.RESUMED)
            done = TaskTransition(task_id, TaskStatus.SUCCEEDED, at, origin=origin)
            store.record_tasks(run_id, [done])
            continue
        content = bytes(LARGE) if number == 0 else b"small"
        store.record_tasks(
            run_id,
            [
                TaskTransition(task_id, TaskStatus.RUNNING, at, 1),
                TaskTransition(
                    task_id,
                    TaskStatus.SUCCEEDED,
                    at,
                    1,
                    output=Output(content, "pickle"),
                    cache_key=f"{run_id}-{task_id}",
                ),
            ],
        )
    if ends:
        store.finish_run(run_id, RunEnd(status=RunStatus.SUCCEEDED, ended_at=at))


def _ids(directory: Path) -> list[str]:
    with LocalMetadataStore(directory) as store:
        return sorted(run.run_id for run in store.list_runs(limit=10_000))


@pytest.fixture
def recorded(directory: Path) -> Path:
    """A record of three runs of one flow, a day apart, and one of another."""
    with LocalMetadataStore(directory) as store:
        for day in range(3):
            _record(store, f"r{day}", days=day)
        _record(store, "other", flow="hourly")
    return directory


def test_a_sound_record_has_no_problem(recorded: Path) -> None:
    for is_full in (False, True):
        checked = check(recorded, is_full=is_full)
        assert (checked.runs, checked.problems) == (4, ())
    assert checked.size_bytes == (recorded / "dagy.db").stat().st_size


def test_where_there_is_no_record_it_is_said_and_none_is_made(tmp_path: Path) -> None:
    for ask in (
        lambda: check(tmp_path / "none"),
        lambda: backup(tmp_path / "none", tmp_path / "copy"),
        lambda: prune(tmp_path / "none", before=FOREVER),
    ):
        with pytest.raises(StoreError, match="There is no record of runs"):
            ask()
    assert not (tmp_path / "none").exists()


def test_what_is_gone_or_not_whole_or_too_much_is_named(recorded: Path) -> None:
    output = recorded / "artifacts" / "r0" / "extract" / "output"
    output.write_bytes(b"short")
    (recorded / "artifacts" / "r1" / "extract" / "output").unlink()
    (recorded / "runs" / "r2" / "log.jsonl").unlink()
    (recorded / "runs" / "stray").mkdir()
    (recorded / "artifacts" / "lost").mkdir()
    found = {
        problem.path.relative_to(recorded): problem.what for problem in check(recorded).problems
    }
    assert {str(path): what for path, what in found.items()} == {
        "runs/r2/log.jsonl": "the log of run 'r2' is gone",
        "artifacts/r0/extract/output": (
            "the output of task 'extract' of run 'r0' is 5 bytes long, not 20000"
        ),
        "artifacts/r1/extract/output": "the output of task 'extract' of run 'r1' is gone",
        "runs/stray": "run 'stray' is not recorded",
        "artifacts/lost": "run 'lost' is not recorded",
    }


def test_a_full_check_reads_what_a_quick_one_does_not(recorded: Path) -> None:
    with closing(sqlite3.connect(recorded / "dagy.db")) as connection, connection:
        connection.execute("UPDATE task_runs SET output = x'00' WHERE task_id = 'load'")
        connection.execute("UPDATE flow_specs SET spec = spec || ' '")
    assert check(recorded).problems == ()
    whats = [problem.what for problem in check(recorded, is_full=True).problems]
    assert len(whats) == 6
    assert any("is not whole" in what for what in whats)
    assert any("is not what was recorded" in what for what in whats)


def test_store_12_flipped_bytes_are_found_or_change_nothing(recorded: Path, tmp_path: Path) -> None:
    """Never a crash; what is called sound can be read from end to end."""
    with closing(sqlite3.connect(recorded / "dagy.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    original = (recorded / "dagy.db").read_bytes()
    source = random.Random(5)
    outcomes = set()
    for number in range(200):
        damaged = bytearray(original)
        for _ in range(source.choice((1, 10, 100))):
            damaged[source.randrange(len(damaged))] ^= source.randrange(1, 256)
        copy = tmp_path / f"copy{number}"
        shutil.copytree(recorded, copy)
        (copy / "dagy.db").write_bytes(damaged)
        try:
            is_sound = not check(copy, is_full=True).problems
        except StoreError:
            is_sound = False
        outcomes.add(is_sound)
        if is_sound:
            with LocalMetadataStore(copy) as store:
                for run in store.list_runs(limit=10):
                    store.list_task_runs(run.run_id)
        shutil.rmtree(copy)
    assert False in outcomes


def _write_on(directory: Path, stopping: Any) -> None:
    with LocalMetadataStore(directory) as store:
        number = 0
        while not stopping.is_set():
            _record(store, f"w{number}", days=number, flow="written", tasks=("a", "b", "c"))
            number += 1


def test_store_12_a_backup_during_writes_is_sound_and_of_one_moment(
    recorded: Path, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("fork")
    stopping = context.Event()
    writers = [context.Process(target=_write_on, args=(recorded, stopping))]
    for writer in writers:
        writer.start()
    try:
        deadline = time.monotonic() + 30
        while len(_ids(recorded)) < 10:
            assert time.monotonic() < deadline
        for number in range(5):
            copy = tmp_path / f"copy{number}"
            copy.mkdir()
            size = backup(recorded, copy / "dagy.db")
            assert size == (copy / "dagy.db").stat().st_size
            assert (copy / "dagy.db").stat().st_mode & 0o777 == 0o600
            assert not [each for each in check(copy, is_full=True).problems if each.is_of_database]
            with closing(sqlite3.connect(copy / "dagy.db")) as connection:
                # A run that has ended has all its tasks: what came before it is there, too.
                ended = connection.execute(
                    "SELECT run_id FROM runs WHERE status = 'SUCCEEDED' AND flow_name = 'written'"
                ).fetchall()
                counts = {connection.execute(TASK_COUNT, row).fetchone()[0] for row in ended}
            assert counts == {3}
    finally:
        stopping.set()
        for writer in writers:
            writer.join()
    assert not check(recorded, is_full=True).problems


def test_a_backup_takes_the_place_of_the_record(recorded: Path, tmp_path: Path) -> None:
    backup(recorded, tmp_path / "copy.db")
    prune(recorded, before=FOREVER)
    assert _ids(recorded) == []
    (recorded / "dagy.db-wal").unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "copy.db", recorded / "dagy.db")
    assert _ids(recorded) == ["other", "r0", "r1", "r2"]


def test_a_backup_replaces_nothing_and_leaves_nothing_half(recorded: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        backup(recorded, target)
    assert target.read_text() == "mine"
    with pytest.raises(UsageError, match="is no directory"):
        backup(recorded, tmp_path / "absent" / "copy.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "dagy"]


def test_store_15_old_runs_go_with_all_that_belongs_to_them(recorded: Path) -> None:
    planned = prune(recorded, before=MOMENT + timedelta(days=2), is_dry_run=True)
    assert planned.run_ids == ("other", "r0", "r1")
    assert len(_ids(recorded)) == 4
    assert prune(recorded, before=MOMENT + timedelta(days=2)).run_ids == planned.run_ids
    assert _ids(recorded) == ["r2"]
    assert [path.name for path in (recorded / "runs").iterdir()] == ["r2"]
    assert [path.name for path in (recorded / "artifacts").iterdir()] == ["r2"]
    assert not check(recorded, is_full=True).problems
    with LocalMetadataStore(recorded) as store:
        assert store.find_cached("r1-load") is None
        assert store.find_cached("r2-load") is not None
    with closing(sqlite3.connect(recorded / "dagy.db")) as connection:
        assert connection.execute("SELECT count(*) FROM flow_specs").fetchone() == (1,)


def test_the_newest_of_each_flow_are_kept(recorded: Path) -> None:
    assert prune(recorded, before=FOREVER, keep_last=1).run_ids == ("r0", "r1")
    assert _ids(recorded) == ["other", "r2"]
    with pytest.raises(UsageError, match="-1 runs cannot be kept"):
        prune(recorded, before=FOREVER, keep_last=-1)


def test_what_a_kept_run_builds_on_is_kept(directory: Path) -> None:
    with LocalMetadataStore(directory) as store:
        _record(store, "first")
        _record(store, "second", days=1, resumes="first")
        _record(store, "third", days=2, resumes="first")
        _record(store, "alone", days=0)
    assert prune(directory, before=MOMENT + timedelta(days=2)).run_ids == ("alone", "second")
    assert _ids(directory) == ["first", "third"]
    with LocalMetadataStore(directory) as store:
        assert store.read_output("third", "extract") == Output(bytes(LARGE), "pickle")
    assert prune(directory, before=FOREVER).run_ids == ("first", "third")


def test_a_run_that_is_under_way_is_never_removed(directory: Path) -> None:
    with LocalMetadataStore(directory) as store:
        _record(store, "living", ends=False)
        assert prune(directory, before=FOREVER).run_ids == ()
        at = MOMENT + timedelta(days=1)
        store.finish_run("living", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at))
    assert prune(directory, before=FOREVER).run_ids == ("living",)


def test_what_a_crash_left_is_removed_when_it_is_old(recorded: Path) -> None:
    stray = recorded / "runs" / "stray"
    stray.mkdir()
    (stray / "log.jsonl").write_text("")
    (recorded / "artifacts" / "file").write_text("x")
    hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
    assert prune(recorded, before=hour_ago, keep_last=9).orphans == ()
    planned = prune(recorded, before=FOREVER, keep_last=9, is_dry_run=True)
    assert [path.name for path in planned.orphans] == ["stray", "file"]
    assert stray.exists()
    assert prune(recorded, before=FOREVER, keep_last=9).orphans == planned.orphans
    assert not check(recorded).problems


def test_a_run_that_is_built_on_meanwhile_stays(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the list of what may go and its removal, somebody resumes one of them."""
    from dagy_store import maintenance

    def plan(*arguments: Any, **settings: Any) -> list[str]:
        found = original(*arguments, **settings)
        with LocalMetadataStore(recorded) as store:
            _record(store, "late", days=9, resumes="r1")
        return found

    original = maintenance.old_runs
    monkeypatch.setattr(maintenance, "old_runs", plan)
    assert prune(recorded, before=FOREVER).run_ids == ("other", "r0", "r2")
    assert _ids(recorded) == ["late", "r1"]
    assert not check(recorded, is_full=True).problems


def test_the_file_shrinks_but_not_while_a_run_is_under_way(directory: Path) -> None:
    with LocalMetadataStore(directory) as store:
        for number in range(200):
            _record(store, f"r{number}", days=number)
        _record(store, "living", days=999, ends=False)
        store.close()  # so that all is in the main file
    with LocalMetadataStore(directory) as store:
        _record(store, "alive", days=999, ends=False)
        size = (directory / "dagy.db").stat().st_size
        assert prune(directory, before=FOREVER, keep_last=2).freed_bytes == 0
        store.finish_run("alive", RunEnd(status=RunStatus.SUCCEEDED, ended_at=MOMENT))
    pruned = prune(directory, before=FOREVER, keep_last=2)
    assert pruned.freed_bytes > size / 2
    assert (directory / "dagy.db").stat().st_size == size - pruned.freed_bytes
    assert not check(directory, is_full=True).problems


def test_few_are_removed_at_a_time(directory: Path) -> None:
    with LocalMetadataStore(directory) as store:
        for number in range(3):
            _record(store, f"r{number}", days=number, tasks=tuple(f"t{n}" for n in range(3_000)))
    pauses: list[float] = []
    prune(directory, before=FOREVER, sleep=pauses.append)
    assert len(pauses) == 2


def test_the_list_of_runs_is_what_is_left(recorded: Path) -> None:
    prune(recorded, before=FOREVER, keep_last=1)
    with LocalMetadataStore(recorded) as store:
        newest = store.list_runs(RunQuery(flow_name="daily"), limit=9)
    assert [run.run_id for run in newest] == ["r2"]


def test_store_12_all_of_a_sound_record_is_salvaged(recorded: Path, tmp_path: Path) -> None:
    salvaged = salvage(recorded, tmp_path / "new")
    assert (salvaged.runs, salvaged.task_runs, salvaged.lost) == (4, 8, ())
    assert _ids(tmp_path / "new") == _ids(recorded)
    with LocalMetadataStore(tmp_path / "new") as store:
        assert store.read_output("r1", "extract") == Output(bytes(LARGE), "pickle")
        assert store.find_cached("r1-load") is not None
        _record(store, "next", days=9)
    assert not check(tmp_path / "new", is_full=True).problems


def test_store_12_what_is_left_of_a_damaged_record_is_salvaged(
    directory: Path, tmp_path: Path
) -> None:
    """Never a crash; what comes out is sound, and what is missing in it is told."""
    with LocalMetadataStore(directory) as store:
        for number in range(60):
            tasks = tuple(f"task-{each}" for each in range(20))
            _record(store, f"r{number}", days=number, flow=f"flow{number % 7}", tasks=tasks)
    original = (directory / "dagy.db").read_bytes()
    source = random.Random(7)
    saved = []
    for number in range(40):
        damaged = bytearray(original)
        for _ in range(source.choice((1, 10, 1000))):
            damaged[source.randrange(100, len(damaged))] ^= source.randrange(1, 256)
        (directory / "dagy.db").write_bytes(damaged)
        new = tmp_path / f"new{number}"
        salvaged = salvage(directory, new)
        checked = check(new, is_full=True)
        assert not [each for each in checked.problems if each.is_of_database]
        assert checked.runs == salvaged.runs == len(_ids(new))
        assert salvaged.lost or (salvaged.runs, salvaged.task_runs) == (60, 1200)
        assert (directory / "dagy.db").read_bytes() == damaged
        saved.append(salvaged.runs)
        shutil.rmtree(new)
    assert max(saved) == 60
    assert min(saved) < 60


def test_nothing_is_salvaged_into_what_is_there(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("")
    with pytest.raises(UsageError, match="is not empty"):
        salvage(recorded, tmp_path / "new")
    with pytest.raises(StoreError, match="There is no record"):
        salvage(tmp_path / "absent", tmp_path / "other")
    assert not (tmp_path / "other").exists()
