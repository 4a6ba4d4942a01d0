from __future__ import annotations

from dagy_auth import Secret
from dagy_auth._envelope import new_key, seal, unseal


def test_only_its_key_opens_a_sealed_text() -> None:
    key = new_key()
    sealed = seal(Secret("canary ä" * 4096), key=key)
    assert "canary" not in sealed
    assert unseal(sealed, key=key) == Secret("canary ä" * 4096)
    assert unseal(sealed, key=new_key()) is None


def test_what_is_no_key_and_what_is_no_sealed_text_open_nothing() -> None:
    key = new_key()
    assert unseal(seal(Secret("x"), key=key)[:-5], key=key) is None
    assert unseal("ä", key=key) is None
    for broken in ("", "ä", "short", "A" * 500):
        assert unseal(seal(Secret("x"), key=key), key=Secret(broken)) is None


def test_a_key_is_short() -> None:
    assert len(new_key().reveal()) == 44
