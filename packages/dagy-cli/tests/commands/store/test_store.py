from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy_store import LocalMetadataStore
from dagy_types import RunStatus

Dagy = Callable[..., Any]


@pytest.fixture(autouse=True)
def runs(add_run: Callable[..., str], store: LocalMetadataStore) -> None:
    """Two runs of one flow that are old by now, and one of another."""
    add_run("run1")
    add_run("run2", status=RunStatus.SUCCEEDED)
    add_run("other1", flow_name="hourly")
    store.close()


def test_store_12_a_backup_is_written_once(dagy: Dagy, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    ended = dagy("store", "backup", str(path), "--format", "json")
    assert json.loads(ended.out) == {"path": str(path), "size_bytes": path.stat().st_size}
    ended = dagy("store", "backup", str(path))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: {path} is there already.\n")


def test_a_sound_record_is_said_to_be_so(dagy: Dagy) -> None:
    ended = dagy("store", "check")
    assert ended.code == 0
    assert ended.out.startswith("3 runs, ")
    assert ended.out.endswith(": all is well\n")
    assert json.loads(dagy("store", "check", "--full", "--format", "json").out)["sound"] is True


def test_what_is_wrong_is_listed_and_is_exit_code_9(dagy: Dagy, local_dir: Path) -> None:
    (local_dir / "runs" / "stray").mkdir()
    ended = dagy("store", "check", "--format", "json")
    assert ended.code == 9
    found = json.loads(ended.out)
    assert (found["sound"], found["runs"]) == (False, 3)
    assert found["problems"] == [
        {"path": f"{local_dir}/runs/stray", "problem": "run 'stray' is not recorded"}
    ]
    shown = dagy("store", "check")
    assert "run 'stray' is not recorded" in shown.out
    assert shown.err.startswith("hint: ")


def test_store_15_what_is_old_is_shown_and_then_removed(dagy: Dagy) -> None:
    planned = json.loads(
        dagy("store", "prune", "--older-than", "1d", "--dry-run", "--format", "json").out
    )
    assert planned == {
        "dry_run": True,
        "run_ids": ["other1", "run1", "run2"],
        "orphans": [],
        "freed_bytes": 0,
    }
    words = ("store", "prune", "--older-than", "1d", "--keep-last", "1")
    shown = dagy(*words, "--dry-run").out
    assert shown.splitlines() == [
        "RUN",
        "run1",
        "Would remove 1 run.",
    ]
    assert dagy(*words, "--yes").out == "Removed 1 run.\n"
    assert sorted(dagy("runs", "list", "--format", "name").out.split()) == ["other1", "run2"]
    assert dagy(*words).out == "Removed 0 runs.\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "It is not said which runs are to go."),
        (("--older-than", "soon"), "--older-than cannot read 'soon' as a time."),
        (("--keep-last", "-1"), "--keep-last"),
        (("--older-than", "1d"), "3 runs would be removed, and nobody can be asked here."),
    ],
)
def test_nothing_is_removed_without_a_clear_word(
    dagy: Dagy, words: tuple[str, ...], message: str
) -> None:
    ended = dagy("store", "prune", *words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert len(dagy("runs", "list", "--format", "name").out.split()) == 3


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 3)])
def test_people_are_asked(
    dagy: Dagy,
    monkeypatch: pytest.MonkeyPatch,
    give_stdin: Callable[[str], None],
    answer: str,
    left: int,
) -> None:
    monkeypatch.setattr("dagy_cli.commands.store.prune.can_ask", lambda app: True)
    give_stdin(answer)
    ended = dagy("store", "prune", "--older-than", "1d")
    assert "Remove 3 runs for good? [y/N] " in ended.err
    assert ended.code == (2 if left else 0)
    assert len(dagy("runs", "list", "--format", "name").out.split()) == left


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("repair", "--to", "new"),
        ("backup", "copy"),
        ("prune", "--older-than", "1d", "--yes"),
    ],
)
def test_without_a_record_it_is_exit_code_9(
    dagy: Dagy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("DAGY_LOCAL_DIR", str(tmp_path / "none"))
    ended = dagy("store", *words)
    assert ended.code == 9
    assert "There is no record of runs in" in ended.err
    assert not (tmp_path / "none").exists()


def test_store_12_what_can_be_read_is_saved(
    dagy: Dagy, tmp_path: Path, local_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    ended = dagy("store", "repair", "--to", str(new))
    assert (ended.code, ended.out, ended.err) == (
        0,
        f"Saved in {new}: 3 runs with 6 tasks\n",
        "",
    )
    assert dagy("store", "repair", "--to", str(new)).code == 2
    (local_dir / "runs" / "run1" / "log.jsonl").unlink()
    ended = dagy("store", "repair", "--to", str(tmp_path / "other"))
    assert ended.code == 9
    assert ended.err == "lost: the log of run 'run1' is gone\n"
    monkeypatch.setenv("DAGY_LOCAL_DIR", str(new))
    assert len(dagy("runs", "list", "--format", "name").out.split()) == 3
