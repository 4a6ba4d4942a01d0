from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from keyrings.alt.file import EncryptedKeyring

from dagy_auth import CredentialStore, KeyringStore, Secret, TokenSet
from dagy_types.errors import CredentialStoreError

MakeStore = Callable[..., KeyringStore]
MakeTokens = Callable[..., TokenSet]

_NAMES = ["prod", "Prod", "a/b", "", "ä", "a\u0308", "\ud800", "n" * 999]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "directory"


@pytest.fixture
def sealed_file(directory: Path) -> Path:
    return directory / "credentials.sealed.json"


@pytest.fixture
def make_store(directory: Path, keyring: Any) -> MakeStore:
    """Make a store as another process would: it knows nothing of those before."""

    def make(**options: Any) -> KeyringStore:
        return KeyringStore("tool", **{"directory": directory, "backend": keyring, **options})

    return make


@pytest.fixture
def store(make_store: MakeStore) -> KeyringStore:
    return make_store()


def _files(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.exists() else []


def test_a_token_set_is_kept_for_other_processes(
    store: CredentialStore, make_store: MakeStore, make_tokens: MakeTokens
) -> None:
    store.save("a", make_tokens(1))
    store.save("b", make_tokens(2))
    store.save("a", make_tokens(3))
    again = make_store()
    assert (again.load("a"), again.load("b")) == (make_tokens(3), make_tokens(2))
    assert again.names() == ["a", "b"]
    assert (again.location, again.is_encrypted) == ("the keyring (Test Double)", True)


def test_a_token_set_may_be_larger_than_an_entry(
    store: KeyringStore,
    make_store: MakeStore,
    make_tokens: MakeTokens,
    keyring: Any,
    sealed_file: Path,
) -> None:
    """AUTH-10: 16 KiB through a backend that takes 1280 characters; nothing lies open on disk."""
    large = make_tokens(access_token=Secret("canary" * 2731))
    store.save("a", large)
    assert make_store().load("a") == large
    assert max(map(len, keyring.entries.values())) == 44
    assert "canary" not in sealed_file.read_text()
    assert sealed_file.stat().st_mode & 0o777 == 0o600


def test_any_names_are_kept_apart(
    store: KeyringStore,
    make_store: MakeStore,
    make_tokens: MakeTokens,
    keyring: Any,
    directory: Path,
) -> None:
    """AUTH-18, AUTH-22"""
    for number, name in enumerate(_NAMES):
        store.save(name, make_tokens(number))
    again = make_store()
    assert [again.load(name) for name in _NAMES] == [make_tokens(n) for n in range(len(_NAMES))]
    assert len({entry.lower() for _, entry in keyring.entries}) == len(_NAMES)
    assert all(entry.isascii() for _, entry in keyring.entries)
    assert all(again.delete(name) for name in _NAMES)
    assert (keyring.entries, _files(directory)) == ({}, [])


def test_directories_do_not_share_keys(
    store: KeyringStore, make_store: MakeStore, make_tokens: MakeTokens, tmp_path: Path
) -> None:
    other = make_store(directory=tmp_path / "other")
    store.save("a", make_tokens(1))
    other.save("a", make_tokens(2))
    assert store.delete("a")
    assert make_store(directory=tmp_path / "other").load("a") == make_tokens(2)


def test_a_directory_can_be_moved(
    store: KeyringStore,
    make_store: MakeStore,
    make_tokens: MakeTokens,
    directory: Path,
    tmp_path: Path,
    keyring: Any,
) -> None:
    store.save("a", make_tokens(1))
    directory.rename(tmp_path / "moved")
    moved = make_store(directory=tmp_path / "moved")
    assert moved.load("a") == make_tokens(1)
    moved.save("a", make_tokens(2))
    assert moved.delete("a")
    assert keyring.entries == {}


def test_the_keyring_is_read_once_and_not_for_names_that_are_not_there(
    store: KeyringStore, make_store: MakeStore, make_tokens: MakeTokens, keyring: Any
) -> None:
    """AUTH-24: one command reads an entry once, also when it renews the tokens."""
    store.save("a", make_tokens(1))
    keyring.calls.clear()
    command = make_store()
    assert command.load("b") is None
    assert command.names() == ["a"]
    assert not command.delete("b")
    assert keyring.calls == []
    assert command.load("a") == make_tokens(1)
    with command.lock("a"):
        assert command.load("a") == make_tokens(1)
        command.save("a", make_tokens(2))
    assert command.load("a") == make_tokens(2)
    assert keyring.calls == ["get"]


def test_a_store_sees_what_another_process_has_renewed_or_replaced(
    store: KeyringStore, make_store: MakeStore, make_tokens: MakeTokens
) -> None:
    store.save("a", make_tokens(1))
    other = make_store()
    assert other.load("a") == make_tokens(1)
    store.save("a", make_tokens(2))
    assert other.load("a") == make_tokens(2)
    store.delete("a")
    store.save("a", make_tokens(3))  # with another key
    assert other.load("a") == make_tokens(3)
    store.delete("a")
    store.save("a", make_tokens(4))
    other.save("a", make_tokens(5))
    assert (store.load("a"), make_store().load("a")) == (make_tokens(5), make_tokens(5))


def test_a_probe_asks_the_keyring_once_and_leaves_nothing(
    store: KeyringStore, keyring: Any, directory: Path
) -> None:
    store.probe()
    store.probe()
    assert keyring.calls == ["set", "get", "delete"]
    assert (keyring.entries, _files(directory)) == ({}, [])


@pytest.mark.parametrize("is_lying", [True, False])
def test_a_keyring_that_does_not_work_writes_nothing(
    store: KeyringStore, keyring: Any, make_tokens: MakeTokens, directory: Path, is_lying: bool
) -> None:
    """AUTH-04, AUTH-08"""
    keyring.is_lying = is_lying
    keyring.fault = None if is_lying else RuntimeError("out of order")
    with pytest.raises(CredentialStoreError, match="cannot be used"):
        store.probe()
    assert not directory.exists()
    with pytest.raises(CredentialStoreError, match="cannot be used"):
        store.save("a", make_tokens())
    assert _files(directory) == []


def test_a_keyring_that_does_not_work_any_more_leaves_the_tokens_as_they_are(
    store: KeyringStore,
    make_store: MakeStore,
    keyring: Any,
    make_tokens: MakeTokens,
    sealed_file: Path,
) -> None:
    """AUTH-08, for a renewal"""
    store.save("a", make_tokens(1))
    before = sealed_file.read_bytes()
    keyring.fault = RuntimeError("canary")
    later = make_store()
    for use in (lambda: later.load("a"), lambda: later.save("a", make_tokens(2))):
        with pytest.raises(CredentialStoreError, match="RuntimeError"):
            use()
    assert sealed_file.read_bytes() == before
    keyring.fault = None
    assert later.load("a") == make_tokens(1)


def test_a_key_that_has_vanished_is_told_and_a_login_makes_a_new_one(
    store: KeyringStore, make_store: MakeStore, keyring: Any, make_tokens: MakeTokens
) -> None:
    store.save("a", make_tokens(1))
    keyring.entries.clear()
    later = make_store()
    with pytest.raises(CredentialStoreError, match=r"\(Test Double\) has no key for it") as caught:
        later.load("a")
    assert caught.value.hint == "Log in again."
    later.save("a", make_tokens(2))
    assert make_store().load("a") == make_tokens(2)


@pytest.mark.parametrize("key", ["", "broken", "A" * 43 + "="])
def test_a_key_that_was_changed_is_told_and_replaced(
    store: KeyringStore, make_store: MakeStore, keyring: Any, make_tokens: MakeTokens, key: str
) -> None:
    store.save("a", make_tokens(1))
    keyring.entries = dict.fromkeys(keyring.entries, key)
    with pytest.raises(CredentialStoreError, match="has no key for it"):
        make_store().load("a")
    make_store().save("a", make_tokens(2))
    assert make_store().load("a") == make_tokens(2)


@pytest.mark.parametrize(
    "record", [{}, {"key": 1, "sealed": "x"}, {"key": "x", "sealed": ["canary"]}]
)
def test_a_record_that_was_changed_is_told_and_can_be_replaced_or_deleted(
    store: KeyringStore,
    make_tokens: MakeTokens,
    keyring: Any,
    sealed_file: Path,
    directory: Path,
    record: dict[str, Any],
    shown: Callable[[BaseException], str],
) -> None:
    store.save("a", make_tokens(1))
    document = json.loads(sealed_file.read_text())
    sealed_file.write_text(json.dumps(document | {"credentials": {"a": record}}))
    with pytest.raises(CredentialStoreError, match="is damaged") as caught:
        store.load("a")
    assert "canary" not in shown(caught.value)
    store.save("a", make_tokens(2))
    assert store.load("a") == make_tokens(2)
    sealed_file.write_text(json.dumps(document | {"credentials": {"a": record}}))
    assert store.delete("a")
    assert (keyring.entries, _files(directory)) == ({}, [])


def test_no_error_shows_a_token_or_a_key(
    store: KeyringStore,
    make_store: MakeStore,
    make_tokens: MakeTokens,
    keyring: Any,
    shown: Callable[[BaseException], str],
    disk_with_room_for: Callable[[int], Any],
) -> None:
    """AUTH-06"""
    store.save("a", make_tokens())
    secrets = ["canary", *keyring.entries.values()]
    found = []
    with disk_with_room_for(10), pytest.raises(CredentialStoreError, match="full") as caught:
        store.save("a", make_tokens(2))
    found.append(shown(caught.value))
    keyring.fault = ValueError(*keyring.entries.values())
    with pytest.raises(CredentialStoreError) as caught:
        make_store().save("a", make_tokens(2))
    found.append(shown(caught.value))
    found.append(repr(vars(store)))
    assert [text for text in found for secret in secrets if secret in text] == []


def test_tokens_are_deleted_even_when_their_key_is_not(
    store: KeyringStore, make_tokens: MakeTokens, keyring: Any, directory: Path
) -> None:
    """AUTH-18"""
    store.save("a", make_tokens())
    keyring.fault = RuntimeError()
    with pytest.raises(CredentialStoreError, match="'a' are deleted, but not their key") as caught:
        store.delete("a")
    assert [entry in str(caught.value.hint) for _, entry in keyring.entries] == [True]
    assert _files(directory) == []
    assert store.load("a") is None


def test_a_key_that_was_left_behind_is_replaced_and_goes_with_the_next_login(
    store: KeyringStore, make_store: MakeStore, make_tokens: MakeTokens, keyring: Any
) -> None:
    store.save("a", make_tokens())
    keyring.fault = RuntimeError()
    with pytest.raises(CredentialStoreError):
        store.delete("a")
    keyring.fault = None
    assert len(keyring.entries) == 1
    make_store().save("a", make_tokens(2))
    assert make_store().delete("a")
    assert keyring.entries == {}


def test_one_holds_the_lock_of_a_name(make_store: MakeStore) -> None:
    store, other = make_store(), make_store(lock_time_limit_seconds=0.01)
    refused = pytest.raises(CredentialStoreError, match="has been locked")
    with store.lock("a"), other.lock("b"), refused, other.lock("a"):
        pytest.fail("two holders")


# What the real backend makes of its master password is its own affair.
_REAL = pytest.mark.filterwarnings("ignore:PBKDF2 without:DeprecationWarning")

_SAVE_INTO_A_REAL_KEYRING = """if True:
    from pathlib import Path
    import cryptography.fernet
    from keyrings.alt.file import EncryptedKeyring
    from dagy_auth import KeyringStore, Secret, TokenSet
    backend = EncryptedKeyring()
    backend.file_path = {file!r}
    backend.keyring_key = "master"
    store = KeyringStore("tool", directory=Path({directory!r}), backend=backend)
    tokens = TokenSet(access_token=Secret("n" * 16384), origin="o")
    store.probe()
    watched()
    store.save("a", tokens)
"""


@pytest.fixture
def real(tmp_path: Path) -> EncryptedKeyring:
    """A real backend, with its master password given by the program."""
    backend = EncryptedKeyring()
    backend.file_path = str(tmp_path / "crypted_pass.cfg")
    backend.keyring_key = "master"
    return backend


@_REAL
def test_a_real_backend_keeps_and_forgets_a_large_token_set(
    real: EncryptedKeyring, make_store: MakeStore, make_tokens: MakeTokens, directory: Path
) -> None:
    store = make_store(backend=real)
    store.probe()
    large = make_tokens(access_token=Secret("x" * 16384))
    store.save("a", large)
    assert make_store(backend=real).load("a") == large
    assert store.location == "the keyring (file EncryptedKeyring)"
    assert store.is_encrypted
    assert make_store(backend=real).delete("a")
    assert _files(directory) == []
    assert "tool" not in Path(real.file_path).read_text().replace("[tool]", "")


@_REAL
@pytest.mark.parametrize("is_renewal", [True, False])
def test_a_save_that_is_killed_anywhere_leaves_the_old_or_the_new(
    real: EncryptedKeyring,
    make_store: MakeStore,
    make_tokens: MakeTokens,
    directory: Path,
    killed_at_each_step: Callable[[str], Iterator[int]],
    is_renewal: bool,
) -> None:
    """AUTH-10: a crash between the steps leaves the old credential readable."""
    old = make_tokens(1, access_token=Secret("x" * 16384))
    program = _SAVE_INTO_A_REAL_KEYRING.format(file=real.file_path, directory=str(directory))
    found = set()
    if is_renewal:
        make_store(backend=real).save("a", old)
    for _ in killed_at_each_step(program):
        store = make_store(backend=real)
        tokens = store.load("a")
        found.add(tokens and tokens.access_token.reveal()[0])
        store.delete("a")
        if is_renewal:
            store.save("a", old)
    assert found == ({"x", "n"} if is_renewal else {None, "n"})
