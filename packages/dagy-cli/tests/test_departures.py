from __future__ import annotations

from pathlib import Path

import pytest

from dagy_auth import FileStore, MemoryStore
from dagy_auth.testing import FakeProvider
from dagy_cli.departures import end_logins, stored_names
from dagy_types.errors import CredentialStoreError


class ClingingStore(MemoryStore):
    """Deletes tokens and then complains, as a keyring does that keeps the key."""

    def delete(self, name: str) -> bool:
        super().delete(name)
        raise CredentialStoreError("The key stays.", hint="Remove it yourself.")


class StubbornStore(MemoryStore):
    """Deletes nothing."""

    def delete(self, name: str) -> bool:
        raise CredentialStoreError("The disk is read-only.", hint="Mend it.")


@pytest.fixture
def older_file(tmp_path: Path) -> Path:
    return tmp_path / "credentials"


def test_a_key_that_the_keyring_keeps_does_not_hide_how_the_revocation_went(
    provider: FakeProvider, older_file: Path
) -> None:
    store, tokens = ClingingStore(), provider.new_tokens()
    store.save("prod", tokens)
    (departure,) = end_logins([store], "prod", older_file=older_file)
    assert departure.is_revoked
    assert departure.reason is None
    assert str(departure.leftover) == "The key stays."
    assert not provider.accepts(tokens.access_token.reveal())
    provider.misbehave("/revoke", "error_500", times=9)
    store.save("prod", provider.new_tokens())
    (departure,) = end_logins([store], "prod", older_file=older_file)
    assert not departure.is_revoked
    assert departure.reason == "The provider did not confirm it."


def test_what_cannot_be_deleted_is_told_and_the_rest_is_deleted(
    provider: FakeProvider, older_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "damaged.json").touch(mode=0o600)
    (tmp_path / "damaged.json").write_text("damaged")
    damaged = FileStore(tmp_path / "damaged.json")
    stubborn, good = StubbornStore(), MemoryStore()
    for store in (stubborn, good):
        store.save("prod", provider.new_tokens())
    departures = end_logins([damaged, stubborn, good], None, older_file=older_file)
    assert [each.fault is None for each in departures] == [False, False, True]
    assert good.names() == []
    assert stored_names(damaged) == []


def test_a_name_alone_ends_what_has_it_wherever_that_is(
    provider: FakeProvider, older_file: Path
) -> None:
    stores = [MemoryStore(), MemoryStore()]
    for store in stores:
        store.save("prod", provider.new_tokens())
        store.save("Prod", provider.new_tokens())
    assert len(end_logins(stores, "prod", older_file=older_file)) == 2
    assert [store.names() for store in stores] == [["Prod"], ["Prod"]]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_file_of_older_versions_goes_too(mode: int, older_file: Path) -> None:
    older_file.write_text("token")
    older_file.chmod(mode)
    (departure,) = end_logins([], "prod", older_file=older_file)
    assert departure.name == str(older_file)
    assert not older_file.exists()


def test_it_says_itself_when_its_token_ends(provider: FakeProvider, older_file: Path) -> None:
    older_file.touch(mode=0o600)
    older_file.write_text(provider.jwt({"exp": 2_000_000_000}))
    (departure,) = end_logins([], None, older_file=older_file)
    assert departure.expires_at is not None
    assert departure.expires_at.timestamp() == 2_000_000_000


def test_one_that_cannot_be_deleted_is_told(older_file: Path) -> None:
    older_file.mkdir()
    (departure,) = end_logins([], None, older_file=older_file)
    assert departure.fault is not None
    assert departure.fault.message.startswith(f"{older_file} cannot be deleted: ")


def test_where_there_is_no_directory_there_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert end_logins([], None, older_file=tmp_path / "file" / "credentials") == []
