from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy_cli.escaping import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain naïve-流", "plain naïve-流"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("over\rwritten", "over\\rwritten"),
        ("a\nb", "a\\nb"),
        ("\u202eevil", "\\u202eevil"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("no-break\u00a0space", "no-break\u00a0space"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_characters_that_steer_a_terminal_are_shown_as_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_kept_characters_stay() -> None:
    assert visible("a\n\tb\x07", keep="\n\t") == "a\n\tb\\x07"


@given(st.text())
def test_no_hidden_character_remains(text: str) -> None:
    categories = {unicodedata.category(character) for character in visible(text)}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
