from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keyrings.alt.file import PlaintextKeyring

from dagy_auth import CredentialStores, FileStore, KeyringStore, TokenSet, choose_store
from dagy_types.errors import ConfigError, CredentialStoreError

MakeTokens = Callable[..., TokenSet]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "directory"


@pytest.fixture
def stores(directory: Path, keyring: Any) -> Callable[..., CredentialStores]:
    def stores(**options: Any) -> CredentialStores:
        return CredentialStores(directory, **{"backend": keyring, **options})

    return stores


def test_a_login_goes_to_the_keyring_when_it_works(stores: Callable[..., CredentialStores]) -> None:
    reasons: list[str] = []
    for options in ({}, {"storage": "keyring"}, {"require_encrypted": True}):
        store = stores(**options).for_login(on_fallback=reasons.append)
        assert (store.location, store.is_encrypted) == ("the keyring (Test Double)", True)
    assert reasons == []


def test_a_login_goes_to_the_file_when_the_keyring_does_not_work(
    stores: Callable[..., CredentialStores], keyring: Any, directory: Path
) -> None:
    """AUTH-01"""
    reasons: list[str] = []
    keyring.is_lying = True
    store = stores().for_login(on_fallback=reasons.append)
    assert (store.location, store.is_encrypted) == (str(directory / "credentials.json"), False)
    assert reasons == [
        "The keyring (Test Double) cannot be used: it does not give back what it was given."
    ]
    assert stores().for_login().location == store.location


def test_a_login_goes_to_the_file_when_the_user_says_so(
    stores: Callable[..., CredentialStores], keyring: Any, directory: Path
) -> None:
    store = stores(storage="file").for_login()
    assert store.location == str(directory / "credentials.json")
    assert keyring.calls == []


@pytest.mark.parametrize("options", [{"storage": "keyring"}, {"require_encrypted": True}])
@pytest.mark.parametrize("fault", ["raises", "lies", "hangs"])
def test_without_the_keyring_that_is_required_nothing_is_written(
    stores: Callable[..., CredentialStores],
    keyring: Any,
    directory: Path,
    options: dict[str, Any],
    fault: str,
) -> None:
    """AUTH-08"""
    keyring.fault = RuntimeError() if fault == "raises" else None
    keyring.is_lying = fault == "lies"
    keyring.is_hanging = fault == "hangs"
    with pytest.raises(CredentialStoreError, match="The keyring"):
        stores(**options, time_limit_seconds=0.1).for_login()
    assert (directory.exists(), keyring.entries) == (False, {})


def test_a_plain_text_backend_counts_as_not_encrypted(
    stores: Callable[..., CredentialStores], tmp_path: Path, make_tokens: MakeTokens
) -> None:
    plain = PlaintextKeyring()
    plain.file_path = str(tmp_path / "plain.cfg")
    store = stores(backend=plain).for_login()  # it was chosen
    assert not store.is_encrypted
    store.save("a", make_tokens())
    assert store.load("a") == make_tokens()
    with pytest.raises(ConfigError, match="encrypted"):
        stores(backend=plain, require_encrypted=True)


def test_settings_that_contradict_each_other_are_refused(
    stores: Callable[..., CredentialStores],
) -> None:
    with pytest.raises(ConfigError, match="encrypted"):
        stores(storage="file", require_encrypted=True)
    with pytest.raises(ConfigError, match="no storage 'vault'"):
        stores(storage="vault")


def test_a_damaged_file_is_told_before_the_login(
    stores: Callable[..., CredentialStores], directory: Path
) -> None:
    directory.mkdir()
    (directory / "credentials.sealed.json").touch(mode=0o600)
    with pytest.raises(CredentialStoreError, match="is damaged"):
        stores().for_login()


def test_a_name_is_found_where_it_is_and_no_keyring_is_called(
    stores: Callable[..., CredentialStores], keyring: Any, directory: Path, make_tokens: MakeTokens
) -> None:
    """AUTH-24"""
    in_keyring, in_file = list(stores())
    in_keyring.save("a", make_tokens(1))
    in_file.save("b", make_tokens(2))
    keyring.calls.clear()
    assert stores().for_name("a").location == in_keyring.location
    assert stores().for_name("b").location == in_file.location
    assert stores().for_name("none").location == in_keyring.location
    assert stores().for_name("none").load("none") is None
    assert stores(storage="file").for_name("a").load("a") is None
    assert keyring.calls == []


@pytest.mark.parametrize("options", [{"storage": "keyring"}, {"require_encrypted": True}])
def test_a_name_in_a_file_that_may_not_be_used_is_told(
    stores: Callable[..., CredentialStores],
    directory: Path,
    make_tokens: MakeTokens,
    options: dict[str, Any],
) -> None:
    """AUTH-08, for later commands"""
    FileStore(directory / "credentials.json").save("b", make_tokens())
    with pytest.raises(CredentialStoreError, match=r"'b' are in .*, which is not encrypted"):
        stores(**options).for_name("b")
    assert stores(**options).for_name("a").load("a") is None


def test_a_new_login_is_the_only_one_of_its_name(
    stores: Callable[..., CredentialStores], keyring: Any, directory: Path, make_tokens: MakeTokens
) -> None:
    both = stores()
    in_keyring, in_file = both
    for number, store in enumerate((in_file, in_keyring, in_file)):
        store.save("a", make_tokens(number))
        store.save(f"other {number}", make_tokens(9))
        both.keep_only(store, "a")
        assert stores().for_name("a").load("a") == make_tokens(number)
    in_keyring.save("a", make_tokens())
    keyring.fault = RuntimeError()
    both.keep_only(in_file, "a")  # the key stays, and opens nothing
    assert in_keyring.names() == ["other 1"]
    only_keyring = stores(storage="keyring")
    only_keyring.keep_only(*only_keyring, name="a")
    assert in_file.names() == ["other 0", "other 2"]


def test_a_login_to_the_file_replaces_one_in_the_keyring(
    stores: Callable[..., CredentialStores], make_tokens: MakeTokens
) -> None:
    [in_keyring] = stores(storage="keyring")
    in_keyring.save("a", make_tokens())
    only_file = stores(storage="file")
    [in_file] = only_file
    in_file.save("a", make_tokens())
    only_file.keep_only(in_file, "a")
    assert stores().for_name("a").location == in_file.location


_HANGING = """
import time
from keyring.backend import KeyringBackend

class Hanging(KeyringBackend):
    priority = 9
    def get_password(self, service, username): time.sleep(600)
    def set_password(self, service, username, password): time.sleep(600)
    def delete_password(self, service, username): time.sleep(600)
"""


@pytest.mark.parametrize("options", [{}, {"require_encrypted": True}])
def test_a_command_with_a_keyring_that_hangs_ends_in_time(
    directory: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    """AUTH-02: with the real limits; the thread that is left alone does not delay the end."""
    (tmp_path / "hanging.py").write_text(_HANGING)
    program = """if True:
        import json, sys
        from pathlib import Path
        from dagy_auth import Secret, TokenSet, choose_store
        from dagy_types.errors import CredentialStoreError
        try:
            store = choose_store(Path(sys.argv[1]), **json.loads(sys.argv[2]), on_fallback=print)
        except CredentialStoreError as error:
            sys.exit(error.message)
        store.probe()
        store.save("a", TokenSet(access_token=Secret("a"), origin="o"))
        print(store.load("a") is not None)
    """
    begin = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", program, directory, json.dumps(options)],
        capture_output=True,
        text=True,
        timeout=60,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(tmp_path),
            "PYTHON_KEYRING_BACKEND": "hanging.Hanging",
        },
    )
    assert time.monotonic() - begin < 5
    message = "The keyring (hanging Hanging) did not answer within 3 s."
    if options:
        assert (ended.returncode, ended.stderr, directory.exists()) == (1, f"{message}\n", False)
    else:
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{message}\nTrue\n", "")


def test_file_storage_never_imports_keyring(directory: Path, tmp_path: Path) -> None:
    """AUTH-07, AUTH-25: nor does a name that is not there."""
    program = """if True:
        import sys
        from pathlib import Path
        from dagy_auth import CredentialStores, Secret, TokenSet
        directory = Path(sys.argv[1])
        assert CredentialStores(directory).for_name("a").load("a") is None
        store = CredentialStores(directory, storage="file").for_login()
        store.save("a", TokenSet(access_token=Secret("a"), origin="o"))
        assert CredentialStores(directory).for_name("a").load("a") is not None
        loaded = {name.partition(".")[0] for name in sys.modules}
        print(loaded & {"keyring", "cryptography", "httpx", "authlib", "asyncio"})
    """
    ended = subprocess.run(
        [sys.executable, "-c", program, directory], capture_output=True, text=True, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("set()\n", "")


def test_one_call_is_enough_for_a_tool_that_needs_no_more(directory: Path) -> None:
    store = choose_store(directory, storage="file")
    assert store.location == str(directory / "credentials.json")
    assert isinstance(next(iter(CredentialStores(directory))), KeyringStore)
