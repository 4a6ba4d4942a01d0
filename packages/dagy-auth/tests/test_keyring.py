from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from keyring import errors
from keyrings.alt.file import EncryptedKeyring, PlaintextKeyring

from dagy_auth import Secret
from dagy_auth._keyring import Keyring
from dagy_types.errors import CredentialStoreError


@pytest.fixture
def ring(keyring: Any) -> Keyring:
    return Keyring("tool", time_limit_seconds=60, backend=keyring)


def test_an_entry_is_kept_until_it_is_removed(ring: Keyring, keyring: Any) -> None:
    assert ring.read("a") is None
    ring.write("a", Secret("one"))
    ring.write("a", Secret("two"))
    assert ring.read("a") == Secret("two")
    assert keyring.entries == {("tool", "a"): "two"}
    ring.remove("a")
    ring.remove("a")
    assert keyring.entries == {}


def test_a_probe_leaves_nothing(ring: Keyring, keyring: Any) -> None:
    ring.probe()
    assert keyring.entries == {}
    assert keyring.calls == ["set", "get", "delete"]


def test_a_backend_that_lies_is_found_out(ring: Keyring, keyring: Any) -> None:
    """AUTH-04: a store that accepts writes and returns nothing."""
    keyring.is_lying = True
    for use in (ring.probe, lambda: ring.write("a", Secret("x"))):
        with pytest.raises(CredentialStoreError, match="does not give back what it was given"):
            use()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (RuntimeError("canary"), "it failed with RuntimeError"),
        (errors.KeyringLocked("canary"), "it is locked"),
        (errors.NoKeyringError("canary"), "there is none"),
        (TimeoutError("canary"), "it failed with TimeoutError"),
    ],
)
def test_a_backend_that_raises_is_an_error_that_shows_nothing_of_it(
    ring: Keyring,
    keyring: Any,
    fault: Exception,
    reason: str,
    shown: Callable[[BaseException], str],
) -> None:
    """AUTH-06"""
    keyring.fault = fault
    uses = (ring.probe, lambda: ring.read("a"), lambda: ring.write("a", Secret("canary")))
    for use in (*uses, lambda: ring.remove("a")):
        with pytest.raises(CredentialStoreError) as caught:
            use()
        message = f"The keyring (Test Double) cannot be used: {reason}."
        assert caught.value.message == message
        assert caught.value.hint is not None
        assert "canary" not in shown(caught.value)
    keyring.fault = None
    assert ring.read("a") is None  # it may work again


def test_an_entry_that_cannot_be_removed_is_an_error(ring: Keyring, keyring: Any) -> None:
    ring.write("a", Secret("x"))

    def refuse(service: str, username: str) -> None:
        raise PermissionError

    keyring.delete_password = refuse
    with pytest.raises(CredentialStoreError, match="PermissionError"):
        ring.remove("a")
    ring.remove("b")  # it is not there anyway


def test_a_backend_that_hangs_is_tried_once(keyring: Any) -> None:
    """AUTH-02"""
    ring = Keyring("tool", time_limit_seconds=0.01, backend=keyring)
    keyring.is_hanging = True
    uses = (ring.probe, lambda: ring.read("a"), lambda: ring.write("a", Secret("x")))
    for use in (*uses, lambda: ring.remove("a")):
        with pytest.raises(
            CredentialStoreError, match=r"did not answer within 0\.01 s\."
        ) as caught:
            use()
        assert caught.value.hint is not None
    assert keyring.calls == ["set"]


def test_a_chosen_backend_is_not_asked_when_it_would_ask() -> None:
    ring = Keyring("tool", time_limit_seconds=60, backend=EncryptedKeyring())
    with pytest.raises(CredentialStoreError, match="asks for a password on the terminal"):
        ring.probe()


def test_it_says_what_it_is_and_whether_it_encrypts(ring: Keyring) -> None:
    assert (ring.description, ring.is_encrypted) == ("the keyring (Test Double)", True)
    found = Keyring("tool", time_limit_seconds=60, backend=None)
    assert (found.description, found.is_encrypted) == ("the keyring", True)
    plain = Keyring("tool", time_limit_seconds=60, backend=PlaintextKeyring())
    assert (plain.description, plain.is_encrypted) == ("the keyring (file PlaintextKeyring)", False)
