from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_auth import Secret
from dagy_auth._record_file import RecordFile, digest
from dagy_types.errors import CredentialStoreError

ODD_NAMES = [
    "prod",
    "Prod",
    "PROD",
    "a/b",
    "../a",
    "",
    " ",
    "ä",
    "a\u0308",
    "\0",
    "\ud800",
    "n" * 999,
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory" / "credentials.json"


@pytest.fixture
def file(path: Path) -> RecordFile:
    return RecordFile(path, lock_time_limit_seconds=0)


def _save(file: RecordFile, name: str, value: str = "canary") -> None:
    with file.edited() as records:
        records[name] = Secret(json.dumps({"value": value}))


def test_reading_touches_nothing(file: RecordFile, path: Path) -> None:
    assert file.read() == {}
    assert file.pop("a") is None
    assert not path.parent.exists()


def test_any_names_are_kept_apart(file: RecordFile) -> None:
    """AUTH-22"""
    for name in ODD_NAMES:
        _save(file, name, f"of {name!a}")
    assert file.read() == {
        name: Secret(json.dumps({"value": f"of {name!a}"})) for name in ODD_NAMES
    }
    with file.lock("prod"), file.lock("Prod"), file.lock("a/b"):
        pass
    for name in ODD_NAMES:
        assert file.pop(name) is not None
    assert file.read() == {}


@given(st.text(st.characters(exclude_categories=[])))
def test_a_digest_is_a_file_name_of_one_case(name: str) -> None:
    assert len(digest(name)) == 32
    assert digest(name).isalnum()
    assert digest(name).islower() or digest(name).isdigit()


def test_the_last_record_leaves_no_trace(file: RecordFile, path: Path) -> None:
    """AUTH-18"""
    with file.lock("a"):
        _save(file, "a")
    _save(file, "b")
    assert file.pop("a") is not None
    assert list(path.parent.glob(f"*{digest('a')}*")) == []
    assert "canary" in path.read_text()
    assert file.pop("b") is not None
    assert list(path.parent.iterdir()) == []


def test_a_record_that_is_removed_under_its_lock_leaves_no_trace(
    file: RecordFile, path: Path
) -> None:
    _save(file, "a")
    with file.lock("a"):
        assert file.pop("a") is not None
    assert list(path.parent.iterdir()) == []


def test_what_a_killed_process_left_is_removed_too(file: RecordFile, path: Path) -> None:
    path.parent.mkdir()
    path.with_name(f"{path.name}.new").write_text("canary")
    assert file.pop("a") is None
    assert list(path.parent.iterdir()) == []


def test_an_error_inside_changes_nothing(file: RecordFile, path: Path) -> None:
    _save(file, "a", "old")
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), file.edited() as records:
        records.clear()
        raise ZeroDivisionError
    assert path.read_bytes() == before


def test_an_edit_without_a_change_writes_nothing(file: RecordFile, path: Path) -> None:
    _save(file, "a")
    before = path.stat().st_ino
    with file.edited():
        pass
    assert path.stat().st_ino == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        '{"credentials": {}}',
        '{"version": 1}',
        '{"version": 1, "credentials": []}',
        '{"version": 1, "credentials": {"a": "canary"}}',
    ],
)
def test_a_broken_file_is_refused_and_left_untouched(
    file: RecordFile, path: Path, content: str, shown: Callable[[BaseException], str]
) -> None:
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_text(content)
    for use in (file.read, file.probe, lambda: _save(file, "b"), lambda: file.pop("a")):
        with pytest.raises(CredentialStoreError) as caught:
            use()
        assert caught.value.message == f"{path} is damaged."
        assert caught.value.hint == "Move it away and log in again."
        assert "canary" not in shown(caught.value)
    assert path.read_text() == content


def test_a_newer_file_is_refused_and_left_untouched(
    file: RecordFile, path: Path, shown: Callable[[BaseException], str]
) -> None:
    path.parent.mkdir()
    path.touch(mode=0o600)
    content = '{"version": 3, "vault": "canary"}'
    path.write_text(content)
    with pytest.raises(CredentialStoreError, match="format 3, and this one knows 1") as caught:
        _save(file, "b")
    assert caught.value.hint == "Upgrade, or move it away and log in again."
    assert path.read_text() == content
    assert "canary" not in shown(caught.value)


def test_a_lock_in_a_broken_file_is_kept_and_released(file: RecordFile, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("broken")
    for _ in range(2):
        with file.lock("a"):
            pass


def test_a_failed_write_shows_no_record(
    file: RecordFile,
    path: Path,
    shown: Callable[[BaseException], str],
    disk_with_room_for: Callable[[int], object],
) -> None:
    """AUTH-06"""
    _save(file, "a", "canary-1")
    with disk_with_room_for(10), pytest.raises(CredentialStoreError, match="full") as caught:
        _save(file, "b", "canary-2")
    assert "canary" not in shown(caught.value)
    assert sorted(file.read()) == ["a"]


def test_a_probe_finds_out_that_nothing_can_be_written(path: Path, file: RecordFile) -> None:
    file.probe()
    assert list(path.parent.iterdir()) == []
    path.parent.rmdir()
    path.parent.write_text("a file in its place")
    with pytest.raises(CredentialStoreError, match="cannot be used"):
        file.probe()
