from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from enum import Enum
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from dagy._code_hash import code_hash

BASE = """
    def f(a, b=2, *, c=3):
        total = a + b
        return [total * x for x in (1, 2)] if c else None
"""


def function(source: str, name: str = "f", **names: Any) -> Callable[..., Any]:
    space: dict[str, Any] = {"__name__": "flows", **names}
    exec(compile(dedent(source), "flows.py", "exec"), space)
    return space[name]  # type: ignore[no-any-return]


def hashed(source: str, **names: Any) -> str:
    return code_hash(function(source, **names))


def test_a_hash_is_32_hexadecimal_digits() -> None:
    assert len(hashed(BASE)) == 32
    assert set(hashed(BASE)) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "variant",
    [
        "# a comment\n\n\n" + dedent(BASE),
        dedent(BASE).replace("total = a + b", "total = a + b  # the sum\n\n"),
        dedent(BASE).replace("    total", '    """What it does."""\n    total'),
        dedent(BASE).replace("a + b", "(a\n        +\n        b)").replace("(1, 2)", "(1,\n 2,)"),
        dedent(BASE).replace("(a, b=2, *, c=3)", "(a: int, b: int = 2, *, c: str = 3) -> list"),
        "from __future__ import annotations\n" + dedent(BASE),
        "def decorated(function): return function\n\n@decorated\n" + dedent(BASE).lstrip(),
    ],
)
def test_what_does_not_change_the_code_does_not_change_the_hash(variant: str) -> None:
    assert hashed(variant) == hashed(BASE)


def test_the_place_of_the_code_does_not_change_the_hash() -> None:
    inside = "class C:\n    def outer():\n" + indent(dedent(BASE), " " * 8) + "\n        return f"
    assert code_hash(function(inside, "C").outer()) == hashed(BASE)  # type: ignore[attr-defined]
    elsewhere: dict[str, Any] = {}
    exec(compile("\n" * 99 + dedent(BASE), "/elsewhere/other.py", "exec"), elsewhere)
    assert code_hash(elsewhere["f"]) == hashed(BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a + b", "a - b"),
        ("a + b", "b + a"),
        ("(1, 2)", "(1, 3)"),
        ("(1, 2)", "(1, 2.0)"),
        ("(1, 2)", "(True, 2)"),
        ("(1, 2)", "{1, 2}"),
        ("b=2", "b=3"),
        ("c=3", "c=4"),
        ("c=3", "d=3"),
        ("(a,", "(a, /,"),
        ("*, c", "*more, c"),
        ("def f", "async def f"),
        ("total * x", "total * -x"),
        ("None", "0"),
        ("total", "amount"),
        ("return [", "yield ["),
        ("return [total * x for x in (1, 2)]", "return list(total * x for x in (1, 2))"),
    ],
)
def test_what_changes_the_code_changes_the_hash(old: str, new: str) -> None:
    changed = BASE.replace(old, new)
    assert changed != BASE
    assert hashed(changed) != hashed(BASE)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # The same operations in the same order, with other jumps or other protected ranges.
        (
            "def f(a, b):\n if a:\n  x()\n if b:\n  y()",
            "def f(a, b):\n if a:\n  x()\n  if b:\n   y()",
        ),
        (
            "def f():\n try:\n  x()\n  y()\n except E:\n  pass",
            "def f():\n x()\n try:\n  y()\n except E:\n  pass",
        ),
        ("def f(): return x.first", "def f(): return x.second"),
        ("def f(): return first()", "def f(): return second()"),
        ("def f(): return 'ab', 'c'", "def f(): return 'a', 'bc'"),
        ("def f(): return 0.0", "def f(): return -0.0"),
        ("def f(): return b'a'", "def f(): return 'a'"),
        ("def f(): return 'doc'", "def f(): 'doc'"),
        ("def f(): return lambda: 1", "def f(): return lambda: 2"),
        ("def f(a=0.0): pass", "def f(a=-0.0): pass"),
        ("def f(a=(1, 2)): pass", "def f(a=(1, (2,))): pass"),
        ("def f(a={1, 2}): pass", "def f(a=frozenset((1, 2))): pass"),
    ],
)
def test_small_differences_count(first: str, second: str) -> None:
    assert hashed(first) != hashed(second)


def test_docstrings_inside_do_not_count() -> None:
    plain = """
        def f():
            def inner():
                return 1
            class C:
                "first"
                def method(self):
                    self.a = self.b = inner()
            return C
    """
    documented = plain.replace("return 1", '"What."\n                return 1')
    documented = documented.replace('"first"', '"second"')
    documented = documented.replace("(self):", '(self):\n                    "How."')
    assert hashed(documented) == hashed(plain)


def test_constants_beyond_the_255th_count() -> None:
    items = [f"x({number}.5)" for number in range(400)]
    source = "def f():\n " + "\n ".join(items)
    assert hashed(source) != hashed(source.replace("x(399.5)", "x(-399.5)"))
    assert hashed(source) == hashed("# moved\n" + source)


def test_a_number_of_very_many_digits_counts() -> None:
    source = f"def f(): return 0x1{'0' * 9999}"
    assert hashed(source) != hashed(source + "0")


class Colour(Enum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Path("a"), Path("b")),
        (date(2026, 11, 1), date(2026, 11, 2)),
        (Colour.RED, Colour.BLUE),
        (frozenset({1}), frozenset({2})),
        (None, ...),
        ([], {}),
    ],
)
def test_defaults_count(first: Any, second: Any) -> None:
    source = "def f(a=default): pass"
    assert hashed(source, default=first) != hashed(source, default=second)
    assert hashed(source, default=first) == hashed(source, default=first)


def test_defaults_that_may_change_count_by_their_type_only() -> None:
    source = "def f(a=default): pass"
    assert hashed(source, default=[1]) == hashed(source, default=[2])
    assert hashed(source, default=object()) == hashed(source, default=object())


def times(factor: Any) -> Callable[[int], Any]:
    def multiply(x: int) -> Any:
        return x * factor

    return multiply


def test_values_and_functions_from_around_count() -> None:
    assert code_hash(times(2)) == code_hash(times(2)) != code_hash(times(3))
    assert code_hash(times(lambda: 1)) != code_hash(times(lambda: 2))


def test_a_function_that_calls_itself_or_a_later_one_has_a_hash() -> None:
    def outer() -> tuple[str, str]:
        def first() -> Any:
            return first, later

        before = code_hash(first)

        def later() -> None: ...

        return before, code_hash(first)

    before, after = outer()
    assert before != after


def test_calls_and_tracing_do_not_change_the_hash() -> None:
    source = "def f(n):\n total = 0\n for i in range(n):\n  total += i\n return total"
    plain = function(source)
    before = code_hash(plain)
    tracer = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        plain(1000)
    finally:
        sys.settrace(tracer)
    for _ in range(100):  # often enough for Python to adapt the code to its values
        plain(10)
    assert code_hash(plain) == before


def test_a_wrapped_function_has_the_hash_of_its_own_code() -> None:
    def decorated(inner: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(inner)
        def wrapper(*args: Any) -> Any:
            return inner(*args)

        return wrapper

    plain = function(BASE)
    assert code_hash(decorated(plain)) == code_hash(functools.lru_cache(plain)) == code_hash(plain)


class Adder:
    def __init__(self, first: int) -> None:
        self.first = first

    def add(self, second: int) -> int:
        return self.first + second

    def __call__(self, second: int) -> int:
        return self.add(second)


class Subtracter(Adder):
    def __call__(self, second: int) -> int:
        return self.first - second


def test_a_partial_counts_with_what_it_holds() -> None:
    def hashes(*args: Any, **kwargs: Any) -> str:
        return code_hash(functools.partial(times, *args, **kwargs))

    assert hashes(1) == hashes(1)
    assert len({code_hash(times), hashes(), hashes(1), hashes(2), hashes(factor=1)}) == 5


def test_methods_and_objects_that_can_be_called_count_with_their_code() -> None:
    assert code_hash(Adder(1).add) == code_hash(Adder(2).add) != code_hash(Subtracter(1).add)
    assert code_hash(Adder(1)) == code_hash(Adder(2)) != code_hash(Subtracter(1))


def test_what_has_no_code_counts_by_its_name() -> None:
    things = [len, max, int, Adder, asyncio.sleep, "x".join, functools.partial(len)]
    assert len({code_hash(each) for each in things}) == len(things)
    assert code_hash(len) == code_hash(len)


PROGRAM = """
    import sys
    sys.path[:0] = {directories!r}
    from dagy._code_hash import code_hash

    class Settings: ...

    def f(x, names=frozenset({{"a", "b", "c"}}), settings=Settings()):
        class Table:
            def __init__(self):
                self.first = self.second = self.third = self.fourth = 1
        return x in {{"red", "green", "blue", "white"}}, Table, "\\ud800", settings

    print(code_hash(f))
"""


def test_the_hash_is_the_same_in_every_process_and_place(tmp_path: Path) -> None:
    hashes = set()
    for seed, lines in (("0", 0), ("1", 7), ("4294967295", 300)):
        program = tmp_path / f"place{seed}" / "flows.py"
        program.parent.mkdir()
        text = dedent(PROGRAM.format(directories=sys.path))
        program.write_text("\n" * lines + text)
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, program], env=environment, capture_output=True, text=True, check=True
        )
        hashes.add(done.stdout)
    assert len(hashes) == 1
