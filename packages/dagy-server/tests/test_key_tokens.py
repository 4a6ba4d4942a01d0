from __future__ import annotations

import re

import pytest

from dagy_server.key_tokens import is_whole, key_hash, new_key, shown_prefix


def test_sec_06_a_key_is_random_and_recognisable() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"dagy_sk_[0-9A-Za-z]{49}", key) for key in keys)
    # 43 digits of 62 values hold 256 bits, which the last of all such keys needs.
    assert 62**42 < 2**256 < 62**43


def test_sec_06_a_key_that_was_cut_or_mistyped_is_known_by_its_checksum() -> None:
    key = new_key()
    assert is_whole(key)
    other = "A" if key[20] != "A" else "B"
    for broken in (key[:-1], key + "0", key[:20] + other + key[21:], "", "dagy_sk_", "ü" * 57):
        assert not is_whole(broken)


def test_sec_06_what_is_kept_of_a_key_depends_on_the_secret() -> None:
    key = new_key()
    assert key_hash(key, b"one") != key_hash(key, b"two")
    assert re.fullmatch("[0-9a-f]{64}", key_hash(key, b"one"))


def test_the_prefix_of_a_key_tells_it_from_others_and_not_what_it_is() -> None:
    key = new_key()
    assert key.startswith(shown_prefix(key))
    assert len(shown_prefix(key)) == 16


@pytest.mark.parametrize("text", ["dagy_sk_" + "0" * 49, "dagy_sk_" + "é" * 49])
def test_a_made_up_key_is_not_whole(text: str) -> None:
    assert not is_whole(text)
