from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagy_auth import Secret
from dagy_auth._private_file import (
    discard_staged,
    has_staged,
    make_private_directory,
    read_private,
    remove_private,
    replace_private,
    try_replacing,
)
from dagy_types.errors import CredentialStoreError


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a file.json"


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_written_is_read(path: Path) -> None:
    replace_private(path, Secret("älter"))
    replace_private(path, Secret("neu"))
    assert read_private(path) == Secret("neu")
    assert list(path.parent.iterdir()) == [path]


def test_no_file_is_no_text(path: Path) -> None:
    assert read_private(path) is None
    assert read_private(path / "nor" / "directory") is None


def test_files_and_directories_are_for_their_owner_alone_under_any_umask(
    tmp_path: Path, umask: int
) -> None:
    """AUTH-09"""
    make_private_directory(tmp_path / "a" / "b")
    replace_private(tmp_path / "a" / "b" / "file", Secret("x"))
    modes = [_mode(tmp_path / each) for each in ("a", "a/b", "a/b/file")]
    assert modes == [0o700, 0o700, 0o600]


def test_a_file_has_its_mode_from_the_first_byte_on(path: Path) -> None:
    """AUTH-09: it is made with mode 600, anew, under another name, and never changed."""
    program = """if True:
        import os, sys
        from pathlib import Path
        from dagy_auth import Secret
        from dagy_auth._private_file import replace_private
        seen = []
        os.umask(0)
        replace_private(Path(sys.argv[1]), Secret("old"))
        sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
        replace_private(Path(sys.argv[1]), Secret("new"))
        events = list(seen)
        assert not [event for event, _ in events if event in ("os.chmod", "shutil.move")]
        made = [flags for event, (name, _, flags, *_) in
                [each for each in events if each[0] == "open"] if str(name).endswith(".new")]
        assert made and all(flags & os.O_EXCL and flags & os.O_CREAT for flags in made), events
        assert [event for event, _ in events].count("os.rename") == 1
        print(oct(os.stat(sys.argv[1]).st_mode & 0o777))
    """
    ended = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, timeout=60
    )
    assert ended.stdout.strip() == "0o600", ended.stderr


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_file_that_others_can_use_is_refused_with_the_command_that_helps(
    path: Path, mode: int
) -> None:
    """AUTH-09"""
    path.write_text("canary")
    path.chmod(mode)
    with pytest.raises(CredentialStoreError, match="by others") as caught:
        read_private(path)
    assert caught.value.hint is not None
    subprocess.run(caught.value.hint.removeprefix("Run: "), shell=True, check=True)
    assert read_private(path) == Secret("canary")


def test_a_symbolic_link_is_refused(path: Path) -> None:
    """AUTH-09"""
    target = path.with_name("target")
    replace_private(target, Secret("x"))
    path.symlink_to(target)
    with pytest.raises(CredentialStoreError, match="is a symbolic link"):
        read_private(path)
    assert read_private(target) == Secret("x")


def test_what_is_no_file_is_refused_at_once(path: Path) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(CredentialStoreError, match="is not a file"):
        read_private(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CredentialStoreError):
        read_private(path)


def test_what_is_no_text_is_damaged_and_not_shown(
    path: Path, shown: Callable[[BaseException], str]
) -> None:
    replace_private(path, Secret(""))
    path.write_bytes(b"canary\xff")
    with pytest.raises(CredentialStoreError, match="is damaged") as caught:
        read_private(path)
    assert "canary" not in shown(caught.value)


def test_what_a_killed_process_left_is_in_nobodys_way(path: Path) -> None:
    left = path.with_name(f"{path.name}.new")
    left.write_text("half")
    assert has_staged(path)
    replace_private(path, Secret("x"))
    assert not has_staged(path)
    left.write_text("half")
    discard_staged(path)
    assert list(path.parent.iterdir()) == [path]
    assert read_private(path) == Secret("x")


def test_a_full_disk_leaves_what_was_there(
    path: Path, shown: Callable[[BaseException], str], disk_with_room_for: Callable[[int], object]
) -> None:
    replace_private(path, Secret("old"))
    with (
        disk_with_room_for(10),
        pytest.raises(CredentialStoreError, match="disk is full") as caught,
    ):
        replace_private(path, Secret("canary" * 100))
    assert read_private(path) == Secret("old")
    assert list(path.parent.iterdir()) == [path]
    assert "canary" not in shown(caught.value)


def test_trying_leaves_everything_as_it_is(path: Path) -> None:
    replace_private(path, Secret("x"))
    try_replacing(path)
    assert (list(path.parent.iterdir()), read_private(path)) == ([path], Secret("x"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a directory that takes no names")
def test_a_place_where_nothing_can_be_written_is_an_error_that_names_it() -> None:
    with pytest.raises(CredentialStoreError, match="/proc/dagy"):
        make_private_directory(Path("/proc/dagy"))
    with pytest.raises(CredentialStoreError, match="/proc/x") as caught:
        try_replacing(Path("/proc/x"))
    assert caught.value.hint == "Make sure that you may read and write /proc."


def test_a_file_in_the_place_of_a_directory_is_an_error(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(CredentialStoreError, match="cannot be used"):
        make_private_directory(path)


def test_a_directory_that_exists_keeps_its_mode(path: Path) -> None:
    path.mkdir()
    path.chmod(0o755)
    make_private_directory(path)
    assert _mode(path) == 0o755


def test_a_removed_file_is_gone_and_one_that_is_gone_can_be_removed(path: Path) -> None:
    replace_private(path, Secret("x"))
    remove_private(path)
    remove_private(path)
    assert list(path.parent.iterdir()) == []
