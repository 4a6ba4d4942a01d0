from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_server.database.cursors import decode_cursor, encode_cursor
from dagy_types.errors import UsageError

_SECRET = b"a secret of the server"


@given(st.lists(st.integers() | st.text(), max_size=4), st.text())
def test_a_cursor_gives_back_what_it_was_made_of(keys: list[int | str], scope: str) -> None:
    cursor = encode_cursor(keys, scope=scope, secret=_SECRET)
    assert list(decode_cursor(cursor, scope=scope, secret=_SECRET)) == keys
    assert cursor.isascii()


@given(st.text())
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not one of this list"):
        decode_cursor(text, scope="runs", secret=_SECRET)


def test_a_cursor_that_was_changed_is_refused() -> None:
    cursor = encode_cursor([1793534400, "abc"], scope="runs", secret=_SECRET)
    for place in range(len(cursor)):
        letter = "A" if cursor[place] != "A" else "B"
        changed = cursor[:place] + letter + cursor[place + 1 :]
        with pytest.raises(UsageError):
            decode_cursor(changed, scope="runs", secret=_SECRET)
            # The last letter has bits that stand for nothing.
            assert place == len(cursor) - 1
            raise UsageError("")


def test_a_cursor_of_another_list_or_server_is_refused() -> None:
    cursor = encode_cursor([1], scope="org_a /runs", secret=_SECRET)
    for scope, secret in (("org_b /runs", _SECRET), ("org_a /runs", b"another secret")):
        with pytest.raises(UsageError):
            decode_cursor(cursor, scope=scope, secret=secret)
