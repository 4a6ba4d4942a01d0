from __future__ import annotations

import threading

import pytest
from argon2 import PasswordHasher

from dagy_server.accounts.passwords import Passwords, require_good_password
from dagy_types.errors import UsageError

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def test_a_password_matches_only_its_own_hash() -> None:
    passwords = Passwords(QUICK)
    kept = passwords.hash("correct horse battery")
    assert passwords.matches("correct horse battery", kept)
    assert not passwords.matches("correct horse batterz", kept)
    assert passwords.hash("correct horse battery") != kept


def test_a_hash_is_argon2id_with_64_mib() -> None:
    assert Passwords().hash("correct horse battery").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize("password", ["", "of nobody", "correct horse battery"])
def test_whoever_has_no_password_is_let_in_by_none(password: str) -> None:
    assert not Passwords(QUICK).matches(password, None)


def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not Passwords(QUICK).matches("correct horse battery", "not a hash")


def test_a_text_that_cannot_be_encoded_is_a_password_like_any_other() -> None:
    passwords = Passwords(QUICK)
    assert not passwords.matches("\ud800" * 12, passwords.hash("correct horse battery"))


def test_few_passwords_are_hashed_at_once() -> None:
    class Counting(PasswordHasher):
        now = most = 0
        lock = threading.Lock()
        full = threading.Event()

        def verify(self, *arguments: object) -> bool:
            with self.lock:
                Counting.now += 1
                Counting.most = max(self.now, self.most)
                if self.now == 4:
                    self.full.set()
            assert self.full.wait(30)
            with self.lock:
                Counting.now -= 1
            return True

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    threads = [threading.Thread(target=passwords.matches, args=("x", "y")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counting.most == 4


@pytest.mark.parametrize("length", [12, 64, 256])
def test_length_is_what_makes_a_password_good(length: int) -> None:
    require_good_password("x" * length)


@pytest.mark.parametrize("length", [0, 11, 257, 100_000])
def test_a_password_that_is_too_short_or_too_long_is_refused(length: int) -> None:
    with pytest.raises(UsageError, match="has 12 to 256 characters") as caught:
        require_good_password("x" * length)
    assert "xxx" not in caught.value.message
