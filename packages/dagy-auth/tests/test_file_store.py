from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagy_auth import CredentialStore, FileStore, Secret, TokenSet
from dagy_types.errors import CredentialStoreError

_FORK = multiprocessing.get_context("fork")
_BIG = "x" * 16 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory" / "credentials.json"


@pytest.fixture
def store(path: Path) -> CredentialStore:
    return FileStore(path)


def test_a_token_set_is_kept_for_other_processes(
    store: CredentialStore, path: Path, make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-01, AUTH-09: where it is, that it is not encrypted, and who can read it."""
    assert store.load("a") is None
    store.save("a", make_tokens(1))
    store.save("b", make_tokens(2))
    store.save("a", make_tokens(3))
    again = FileStore(path)
    assert (again.load("a"), again.load("b")) == (make_tokens(3), make_tokens(2))
    assert again.names() == ["a", "b"]
    assert (store.location, store.is_encrypted) == (str(path), False)
    assert [each.stat().st_mode & 0o777 for each in (path, path.parent)] == [0o600, 0o700]


def test_deleting_tells_whether_there_was_something(
    store: CredentialStore, path: Path, make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-18, AUTH-22"""
    store.save("a", make_tokens(1))
    store.save("A", make_tokens(2))
    assert store.delete("a")
    assert not store.delete("a")
    assert store.load("A") == make_tokens(2)
    assert store.delete("A")
    assert list(path.parent.iterdir()) == []


def test_a_probe_leaves_nothing(store: CredentialStore, path: Path) -> None:
    store.probe()
    assert list(path.parent.iterdir()) == []


def test_a_record_of_a_newer_version_harms_no_other(
    store: CredentialStore, path: Path, make_tokens: Callable[..., TokenSet]
) -> None:
    store.save("a", make_tokens(1))
    store.save("b", make_tokens(2))
    document = json.loads(path.read_text())
    document["credentials"]["a"] = {"version": 2, "wallet": ["unknown"]}
    path.write_text(json.dumps(document))
    with pytest.raises(CredentialStoreError, match=r"What .* has for 'a' was written by a newer"):
        store.load("a")
    store.save("b", make_tokens(3))
    assert json.loads(path.read_text())["credentials"]["a"] == document["credentials"]["a"]
    store.save("a", make_tokens(4))  # to log in again helps
    assert (store.load("a"), store.load("b")) == (make_tokens(4), make_tokens(3))


def test_one_holds_the_lock_of_a_name_and_may_use_the_store(
    path: Path, make_tokens: Callable[..., TokenSet]
) -> None:
    store, other = FileStore(path), FileStore(path, lock_time_limit_seconds=0.01)
    with store.lock("a"):
        store.save("a", make_tokens())
        assert store.load("a") == make_tokens()
        with other.lock("b"):
            pass
        with pytest.raises(CredentialStoreError, match=r"0\.01 s"), other.lock("a"):
            pytest.fail("two holders")
    with other.lock("a"):
        pass


def _save_many(path: Path, number: int, tokens: TokenSet) -> None:
    for each in range(10):
        FileStore(path).save(f"{number}-{each}", tokens)


def test_processes_that_save_at_once_lose_nothing(
    store: CredentialStore, path: Path, make_tokens: Callable[..., TokenSet]
) -> None:
    processes = [
        _FORK.Process(target=_save_many, args=(path, number, make_tokens(number)))
        for number in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(store.names()) == 40
    assert all(store.load(name) == make_tokens(int(name[0])) for name in store.names())


def test_a_save_that_is_killed_anywhere_leaves_the_old_or_the_new(
    store: CredentialStore,
    path: Path,
    make_tokens: Callable[..., TokenSet],
    killed_at_each_step: Callable[[str], Iterator[int]],
) -> None:
    """AUTH-10, for files"""
    old = make_tokens(1, access_token=Secret(_BIG))
    program = f"""if True:
        from dataclasses import replace
        from pathlib import Path
        from dagy_auth import FileStore, Secret
        store = FileStore(Path({str(path)!r}))
        old = store.load("a")
        new = replace(old, access_token=Secret("n" * 16384))
        watched()
        store.save("a", new)
    """
    store.save("other", make_tokens(2))
    store.save("a", old)
    found = set()
    for _ in killed_at_each_step(program):
        tokens = store.load("a")
        assert tokens is not None
        found.add(tokens.access_token.reveal()[0])
        assert store.load("other") == make_tokens(2)
        store.save("a", old)
    assert found == {"x", "n"}
    assert store.delete("a")
    assert store.delete("other")
    assert list(path.parent.iterdir()) == []


def test_a_writer_that_is_killed_at_any_moment_leaves_a_whole_file(
    store: CredentialStore, path: Path, make_tokens: Callable[..., TokenSet]
) -> None:
    program = """if True:
        import sys
        from dataclasses import replace
        from pathlib import Path
        from dagy_auth import FileStore, Secret
        store = FileStore(Path(sys.argv[1]))
        tokens = store.load("a")
        for number in range(10**6):
            store.save("a", replace(tokens, access_token=Secret(f"{number}." * 4096)))
            print(number, flush=True)
    """
    store.save("a", make_tokens())
    chance = random.Random(1)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
        with writer:
            assert writer.stdout is not None
            for _ in range(chance.randrange(1, 30)):
                told = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
        tokens = store.load("a")
        assert tokens is not None
        assert int(tokens.access_token.reveal().partition(".")[0]) >= told
