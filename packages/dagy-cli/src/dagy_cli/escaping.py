"""Text from flows, made safe to show: a name must not steer a terminal or hide its letters."""

from __future__ import annotations

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str, *, keep: str = "") -> str:
    """Return the text with control, bidirectional and zero-width characters written as escapes.

    Args:
        keep: Control characters to leave alone, such as the newline where several lines may be.
    """
    if text.isprintable():
        return text
    import unicodedata

    return "".join(
        character
        if character in keep or unicodedata.category(character) not in _HIDDEN
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
