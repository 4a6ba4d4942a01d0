from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from keyring.backends import fail, null
from keyrings.alt.file import EncryptedKeyring, PlaintextKeyring

from dagy_auth._keyring_backend import (
    KeyringBackend,
    NoUsableKeyring,
    backend_name,
    is_plain_text,
    select_backend,
    would_prompt,
)


class _Chain:
    def __init__(self, *backends: object) -> None:
        self.backends = list(backends)

    def get_password(self, service: str, username: str) -> str | None:
        raise AssertionError

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError

    def delete_password(self, service: str, username: str) -> None:
        raise AssertionError


@pytest.fixture
def unlocked() -> EncryptedKeyring:
    backend = EncryptedKeyring()
    backend.keyring_key = "master"
    return backend


def test_one_that_can_be_used_is_taken(keyring: KeyringBackend, unlocked: EncryptedKeyring) -> None:
    assert select_backend(keyring) is keyring
    assert select_backend(unlocked) is unlocked


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (fail.Keyring(), "there is none"),
        (null.Keyring(), "there is none"),
        (_Chain(), "there is none"),
        (PlaintextKeyring(), "the only one does not encrypt"),
        (EncryptedKeyring(), "the only one asks for a password on the terminal"),
        (_Chain(EncryptedKeyring(), PlaintextKeyring()), "the only one asks"),
    ],
)
def test_one_that_cannot_be_used_is_refused_with_the_reason(
    backend: KeyringBackend, reason: str
) -> None:
    with pytest.raises(NoUsableKeyring, match=reason):
        select_backend(backend)


def test_of_a_chain_the_first_that_can_be_used_is_taken(keyring: KeyringBackend) -> None:
    chain = _Chain(EncryptedKeyring(), PlaintextKeyring(), keyring, fail.Keyring())
    assert select_backend(chain) is keyring


def test_what_a_backend_is_can_be_told_without_asking_it(unlocked: EncryptedKeyring) -> None:
    assert [is_plain_text(each) for each in (PlaintextKeyring(), unlocked)] == [True, False]
    assert [would_prompt(each) for each in (EncryptedKeyring(), unlocked)] == [True, False]
    assert backend_name(unlocked) == "file EncryptedKeyring"
    assert backend_name(_Chain()) == "_Chain"


def _choose(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Choose a store in a new process without a session bus, as on a headless machine."""
    program = """if True:
        import sys
        from pathlib import Path
        from dagy_auth import choose_store
        print(choose_store(Path(sys.argv[1]), on_fallback=print).location)
    """
    return subprocess.run(
        [sys.executable, "-c", program, tmp_path / "store"],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={"PATH": os.defpath, "HOME": str(tmp_path / "home"), **environ},
    )


def test_a_plug_in_that_asks_for_a_new_master_password_is_never_asked(tmp_path: Path) -> None:
    """A known way in which login goes wrong: keyrings.alt on a machine without a keyring."""
    ended = _choose(tmp_path)
    if sys.platform == "linux":
        assert ended.stdout.splitlines() == [
            "The keyring cannot be used: the only one asks for a password on the terminal.",
            str(tmp_path / "store" / "credentials.json"),
        ]
    assert "password" not in ended.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ("keyring.backends.null.Keyring", "there is none"),
        ("keyring.backends.fail.Keyring", "there is none"),
        ("keyrings.alt.file.PlaintextKeyring", "the only one does not encrypt"),
        ("no.such.Backend", "it failed with ModuleNotFoundError"),
    ],
)
def test_what_the_user_has_chosen_is_held_to_the_same_rules(
    tmp_path: Path, chosen: str, reason: str
) -> None:
    ended = _choose(tmp_path, PYTHON_KEYRING_BACKEND=chosen)
    assert ended.stdout.splitlines() == [
        f"The keyring cannot be used: {reason}.",
        str(tmp_path / "store" / "credentials.json"),
    ]
