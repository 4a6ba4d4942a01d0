from __future__ import annotations

from xml.etree import ElementTree

import pytest

from dagy_cli.svg import CHARACTER_WIDTH, number, svg_document, svg_text, text_width


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ('<a> & "b"', "&lt;a&gt; &amp; &quot;b&quot;"),
        ("naïve 流", "na&#239;ve &#27969;"),
        ("a\nb\x00\x1b\u202e\ud800", r"a\nb\x00\x1b\u202e\ud800"),
        ("\ufffe\uffff", r"\ufffe\uffff"),
    ],
)
def test_text_is_ascii_that_xml_takes(text: str, escaped: str) -> None:
    assert svg_text(text) == escaped
    ElementTree.fromstring(f"<a>{escaped}</a>")


def test_wide_letters_take_two_columns_and_escapes_their_length() -> None:
    assert text_width("ab") == pytest.approx(2 * CHARACTER_WIDTH)
    assert text_width("流") == pytest.approx(2 * CHARACTER_WIDTH)
    assert text_width("\n") == pytest.approx(2 * CHARACTER_WIDTH)


def test_a_document_says_its_size_and_needs_nothing_from_elsewhere() -> None:
    text = svg_document(["<g/>"], width=10.25, height=20, title="a & b", style="g { }")
    root = ElementTree.fromstring(text)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == (
        "10.2",
        "20",
        "0 0 10.2 20",
    )
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "a & b"
    assert text.count("http") == 1  # the namespace


def test_numbers_are_short() -> None:
    assert [number(value) for value in (3, 2.0, 1.26)] == ["3", "2", "1.3"]
