from __future__ import annotations

import gc
import os
import re
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import datetime
from pathlib import Path

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import (
    FlowSpec,
    LogRecord,
    Run,
    RunEnd,
    RunStatus,
    TaskTransition,
)
from dagy_types.errors import (
    StoreError,
    StoreVersionError,
)

NewRun = Callable[..., Run]
MakeRecord = Callable[..., LogRecord]
At = Callable[[float], datetime]
Succeed = Callable[..., list[TaskTransition]]
Limit = Callable[[int], AbstractContextManager[None]]


def test_the_default_place_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalMetadataStore() as store:
        assert store.directory == tmp_path / "home" / ".dagy"
    monkeypatch.setenv("DAGY_LOCAL_DIR", str(tmp_path / "elsewhere"))
    with LocalMetadataStore() as store:
        assert store.directory == tmp_path / "elsewhere"
    assert (tmp_path / "elsewhere" / "dagy.db").exists()


def test_a_relative_place_stays_the_same_when_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: FlowSpec, new_run: NewRun
) -> None:
    monkeypatch.chdir(tmp_path)
    with LocalMetadataStore("here") as store:
        monkeypatch.chdir("/")
        store.create_run(new_run(), spec)
        assert store.list_runs(limit=1) == [new_run()]
    assert (tmp_path / "here" / "runs" / "r1").is_dir()


def test_a_place_with_odd_characters_works(tmp_path: Path, spec: FlowSpec, new_run: NewRun) -> None:
    with LocalMetadataStore(tmp_path / "a?b#c %41 d") as store:
        store.create_run(new_run(), spec)
        assert store.get_run("r1") == new_run()
    assert (tmp_path / "a?b#c %41 d" / "dagy.db").exists()


def test_every_method_refuses_a_closed_store(
    directory: Path, spec: FlowSpec, new_run: NewRun, at: At
) -> None:
    store = LocalMetadataStore(directory)
    store.close()
    store.close()
    for use in (
        lambda: store.create_run(new_run(), spec),
        lambda: store.record_tasks("r1", []),
        lambda: store.append_logs("r1", []),
        lambda: store.finish_run("r1", RunEnd(status=RunStatus.SUCCEEDED, ended_at=at(9))),
        lambda: store.list_runs(limit=1),
        lambda: store.get_run("r1"),
        lambda: store.get_flow_spec("r1"),
        lambda: store.list_task_runs("r1"),
        lambda: store.read_logs("r1"),
        lambda: store.read_output("r1", "extract"),
        lambda: store.read_outputs("r1", ["extract"]),
        lambda: store.find_cached("key"),
    ):
        with pytest.raises(StoreError, match="is closed"):
            use()


def test_a_store_that_nobody_closed_warns_and_closes_itself(directory: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LocalMetadataStore(directory)
        gc.collect()
    assert [warning.category for warning in caught] == [ResourceWarning]
    assert str(directory) in str(caught[0].message)
    assert not (directory / "dagy.db-wal").exists()


def test_no_side_files_stay_once_everybody_has_closed(
    directory: Path, spec: FlowSpec, new_run: NewRun
) -> None:
    with LocalMetadataStore(directory) as store:
        store.create_run(new_run(), spec)
    assert sorted(path.name for path in directory.iterdir()) == ["dagy.db", "dagy.db.lock", "runs"]


def test_a_newer_store_is_refused_unchanged(directory: Path) -> None:
    LocalMetadataStore(directory).close()
    with closing(sqlite3.connect(directory / "dagy.db")) as connection:
        connection.execute("PRAGMA user_version = 7")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(StoreVersionError, match=re.escape("(store version 7, this one knows 1)")):
        LocalMetadataStore(directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_a_foreign_file_is_refused_unchanged(directory: Path) -> None:
    directory.mkdir()
    (directory / "dagy.db").write_text("My notes.\n" * 100)
    with pytest.raises(StoreError, match="is not a store of Dagy") as caught:
        LocalMetadataStore(directory)
    assert caught.value.hint is not None
    assert "DAGY_LOCAL_DIR" in caught.value.hint
    assert (directory / "dagy.db").read_text() == "My notes.\n" * 100


@pytest.mark.parametrize("taken", ["dagy", "dagy/dagy.db", "dagy/dagy.db.lock"])
def test_what_cannot_be_opened_is_named(tmp_path: Path, taken: str) -> None:
    place = tmp_path / taken
    if taken == "dagy":
        place.write_text("a file")
    else:
        place.mkdir(parents=True)
    with pytest.raises(StoreError, match=re.escape(f"{place} cannot be")) as caught:
        LocalMetadataStore(tmp_path / "dagy")
    assert caught.value.hint is not None


def test_a_directory_removed_during_a_run_is_an_error_of_the_store(
    directory: Path,
    store: LocalMetadataStore,
    spec: FlowSpec,
    new_run: NewRun,
    at: At,
    succeed: Succeed,
) -> None:
    store.create_run(new_run(), spec)
    directory.rename(directory.with_name("moved"))
    (directory.with_name("moved") / "dagy.db.lock").unlink()
    with pytest.raises(StoreError, match="No such file or directory"):
        store.record_tasks("r1", succeed("extract", at(2)))


def test_a_full_disk_makes_no_half_a_store(directory: Path, disk_with_room_for: Limit) -> None:
    with disk_with_room_for(5000), pytest.raises(StoreError):
        LocalMetadataStore(directory)
    with LocalMetadataStore(directory) as store:
        assert store.list_runs(limit=1) == []


# Files


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_all_files_are_for_their_owner_alone_under_any_umask(
    directory: Path,
    spec: FlowSpec,
    new_run: NewRun,
    log_record: MakeRecord,
    at: At,
    umask: int,
    succeed: Succeed,
) -> None:
    before = os.umask(umask)
    try:
        with LocalMetadataStore(directory) as store:
            store.create_run(new_run(), spec)
            store.record_tasks("r1", succeed("extract", at(2), b"x" * 20_000))
            store.append_logs("r1", [log_record("one")])
            modes = {
                str(path.relative_to(directory)): path.stat().st_mode & 0o777
                for path in [directory, *directory.rglob("*")]
            }
    finally:
        os.umask(before)
    files = {
        "dagy.db",
        "dagy.db-shm",
        "dagy.db-wal",
        "dagy.db.lock",
        "runs/r1/lock",
        "runs/r1/log.jsonl",
        "artifacts/r1/extract/output",
    }
    directories = {".", "runs", "runs/r1", "artifacts", "artifacts/r1", "artifacts/r1/extract"}
    assert modes == dict.fromkeys(files, 0o600) | dict.fromkeys(directories, 0o700)
