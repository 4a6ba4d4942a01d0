from __future__ import annotations

from collections.abc import Callable

import pytest

from dagy_auth import CredentialStore, MemoryStore, TokenSet
from dagy_types.errors import CredentialStoreError


def test_it_keeps_what_it_is_given_by_name(make_tokens: Callable[..., TokenSet]) -> None:
    store: CredentialStore = MemoryStore()
    store.probe()
    store.save("b", make_tokens(1))
    store.save("B", make_tokens(2))
    assert store.names() == ["B", "b"]
    assert (store.load("b"), store.load("c")) == (make_tokens(1), None)
    assert (store.delete("b"), store.delete("b")) == (True, False)
    assert (store.location, store.is_encrypted) == ("the memory of this process", False)


def test_one_holds_the_lock_of_a_name() -> None:
    store = MemoryStore(lock_time_limit_seconds=0.01)
    refused = pytest.raises(CredentialStoreError, match="'a' has been locked")
    with store.lock("a"), store.lock("b"), refused, store.lock("a"):
        pytest.fail("two holders")
    with store.lock("a"):
        pass
