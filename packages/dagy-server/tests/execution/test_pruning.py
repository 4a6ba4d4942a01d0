from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from dagy_server.execution.places import Places
from dagy_server.execution.pruning import remove_old

_OLD, _LIMIT, _NEW = 100, 1_000, 10_000


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "execution")


def _run(places: Places, name: str, at: int) -> Path:
    run = places.of_run(name)
    (run.record / "runs").mkdir(parents=True)
    run.holder.touch()
    os.utime(run.holder, (at, at))
    return run.root


def _log(places: Places, name: str, at: int) -> Path:
    places.logs.mkdir(parents=True, exist_ok=True)
    path = places.logs / f"{name}.log"
    path.write_text("surprised")
    os.utime(path, (at, at))
    return path


def test_what_is_old_is_removed_and_the_rest_is_kept(places: Places) -> None:
    old, new = _run(places, "old", _OLD), _run(places, "new", _NEW)
    old_log, new_log = _log(places, "old", _OLD), _log(places, "new", _NEW)
    remove_old(places, before=_LIMIT)
    assert [old.exists(), old_log.exists()] == [False, False]
    assert [new.exists(), new_log.exists()] == [True, True]


def test_what_a_worker_has_is_kept(places: Places) -> None:
    root = _run(places, "held", _OLD)
    with places.of_run("held").lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_old(places, before=_LIMIT)
        assert root.exists()
    remove_old(places, before=_LIMIT)
    assert not root.exists()


def test_a_directory_that_a_worker_is_about_to_take_is_kept(places: Places) -> None:
    root = places.of_run("young").root
    root.mkdir(parents=True)
    remove_old(places, before=_LIMIT)
    assert root.exists()


def test_where_nothing_was_executed_nothing_is_removed(places: Places) -> None:
    remove_old(places, before=_LIMIT)
    assert not places.root.exists()
