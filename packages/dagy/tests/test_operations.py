from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from dagy._operations import Operations


def operations(source: str) -> Operations:
    names: dict[str, Any] = {}
    exec(dedent(source), names)
    return Operations(names["f"].__code__)


def seen(source: str) -> tuple[Any, ...]:
    found = operations(source)
    return found.numbers, found.protected_ranges(), found.constants


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ("def f(a, b):\n return (a\n  +\n  b)", "def f(a, b): return a + b"),
        ("def f():\n while True:\n  x()", "def f():\n while True: x()"),
        ("def f(a):\n if a:\n  pass\n return a", "def f(a):\n if a: pass\n return a"),
        (
            "def f():\n try:\n  x(1,\n    2)\n except E:\n  pass",
            "def f():\n try: x(1, 2)\n except E: pass",
        ),
        ("def f(a):\n for b in a:\n  a = b\n  b = a", "def f(a):\n for b in a: a = b; b = a"),
    ],
)
def test_layout_makes_no_difference(lines: str, line: str) -> None:
    assert seen(lines) == seen(line)


def test_a_docstring_moves_no_constant() -> None:
    source = "def f(x):\n {}return x(1.5, y=2.5)"
    assert seen(source.format('"doc"\n ')) == seen(source.format(""))
    assert 1.5 in operations(source.format("")).constants


def test_jumps_tell_blocks_apart() -> None:
    nested = "def f(a, b):\n if a:\n  x()\n  if b:\n   y()"
    assert seen(nested) != seen("def f(a, b):\n if a:\n  x()\n if b:\n  y()")
    # as far as more than one byte can tell
    filler = "\n  ".join(["x(1, 2, 3)"] * 200)
    first, second = f"def f(a):\n while a:\n  {filler}", f"def f(a):\n while a:\n  {filler}\n  z()"
    assert seen(first) != seen(second)


def test_protected_ranges_tell_what_is_tried() -> None:
    both = "def f():\n try:\n  x()\n  y()\n except E:\n  pass"
    assert seen(both) != seen("def f():\n x()\n try:\n  y()\n except E:\n  pass")


def test_every_place_lies_among_the_operations() -> None:
    body = "\n  ".join(f"x({number})" for number in range(300))
    found = operations(f"def f():\n try:\n  {body}\n finally:\n  y()")
    ranges = found.protected_ranges()
    assert all(0 <= begin < end <= len(found.numbers) for begin, end, *_ in ranges)
    assert all(place < len(found.numbers) for _, _, place, _ in ranges)
