"""Bytecode in a form that tells what it does, and not where it stands."""

from __future__ import annotations

import opcode
from collections.abc import Iterator
from types import CodeType
from typing import Any

_OPERATIONS = opcode.opmap

_CACHE = _OPERATIONS.get("CACHE", 0)  # room for what Python learns; 3.10 has none, and no number 0
_CACHE_BYTE = bytes([_CACHE])
_EXTENDED_ARG = opcode.EXTENDED_ARG
_MAKE_FUNCTION = _OPERATIONS["MAKE_FUNCTION"]
_NOP = _OPERATIONS["NOP"]
_STORE_NAME = _OPERATIONS["STORE_NAME"]

_CONSTANT = frozenset(opcode.hasconst)
_ABSOLUTE_JUMPS = frozenset(opcode.hasjabs)
_JUMPS = frozenset(opcode.hasjrel) | _ABSOLUTE_JUMPS
_BACKWARD_JUMPS = frozenset(
    number for name, number in _OPERATIONS.items() if "JUMP_BACKWARD" in name
)
# Python 3.13 makes one operation of two neighbours, but only of those in one line.
_LOCAL_VARIABLES = tuple(
    (name, _OPERATIONS[name])
    for name in ("LOAD_FAST", "LOAD_FAST_BORROW", "STORE_FAST")
    if name in _OPERATIONS
)
_PAIRS = {
    _OPERATIONS[f"{first}_{second}"]: (first_number, second_number)
    for first, first_number in _LOCAL_VARIABLES
    for second, second_number in _LOCAL_VARIABLES
    if f"{first}_{second}" in _OPERATIONS
}
_LEFT_OUT = frozenset({_CACHE, _NOP})
_SPECIAL = _LEFT_OUT | _CONSTANT | _JUMPS | _PAIRS.keys() | {_EXTENDED_ARG}

# What the compiler notes about a class besides its code: where it is, and in some versions in an
# order that depends on the hash seed.
_NOTES_ON_CLASSES = frozenset(
    {"__doc__", "__firstlineno__", "__qualname__", "__static_attributes__"}
)


class Operations:
    """The operations of a code object, in an order of their own.

    An operation that Python adds or joins only because of how the source is laid out in lines
    makes no difference, and neither does the position of a constant: a docstring is a constant too,
    so with one and without the others have other positions.

    Attributes:
        numbers: Each operation and its argument, which for a jump is the place in this list.
        constants: Those that are used, in the order in which they are, besides notes on classes.
    """

    def __init__(self, code: CodeType) -> None:
        self.numbers: list[int] = []
        self.constants: list[Any] = []
        self._code = code
        self._content = code.co_code
        self._places: list[int] = []  # of each unit of two bytes
        self._jumps: list[tuple[int, int]] = []  # a place, and the unit to which it jumps
        self._read()
        self._places.append(len(self.numbers))
        for place, target in self._jumps:
            self.numbers[place] = self._places[target]

    def protected_ranges(self) -> list[tuple[int, int, int, int]]:
        """Return begin, end, handler and depth of each range in which what is raised is handled."""
        table = iter(getattr(self._code, "co_exceptiontable", b""))  # operations in Python 3.10
        ranges = []
        for first in table:
            begin, length = _number(first, table), _number(next(table), table)
            handler, depth = _number(next(table), table), _number(next(table), table)
            place, end = self._places[begin], self._places[begin + length]
            if place < end:
                ranges.append((place, end, self._places[handler], depth))
        return ranges

    def _read(self) -> None:
        content, places, numbers = self._content, self._places, self.numbers
        argument = 0
        for unit, operation in enumerate(content[::2]):
            places.append(len(numbers))
            argument = argument << 8 | content[unit * 2 + 1]
            if operation == _EXTENDED_ARG:
                continue
            if operation not in _SPECIAL:
                numbers += (operation, argument)
            elif operation not in _LEFT_OUT:
                self._read_special(unit, operation, argument)
            argument = 0

    def _read_special(self, unit: int, operation: int, argument: int) -> None:
        if operation in _PAIRS:
            first, second = _PAIRS[operation]
            self.numbers += (first, argument >> 4, second, argument & 15)
            return
        self.numbers += (operation, 0)
        if operation in _JUMPS:
            self._jumps.append((len(self.numbers) - 1, self._target(unit, operation, argument)))
        elif not self._is_note(constant := self._code.co_consts[argument], unit):
            self.constants.append(constant)

    def _target(self, unit: int, operation: int, argument: int) -> int:
        if operation in _ABSOLUTE_JUMPS:
            return argument
        following = unit + 1
        while self._content.startswith(_CACHE_BYTE, following * 2):
            following += 1
        return following - argument if operation in _BACKWARD_JUMPS else following + argument

    def _is_note(self, constant: Any, unit: int) -> bool:
        """Whether a constant says where the code is, or what for, and not what it does."""
        following = self._content[unit * 2 + 2 : unit * 2 + 4]
        if not following:
            return False
        operation, name = following
        if operation == _MAKE_FUNCTION:
            return type(constant) is str  # its qualified name, up to Python 3.10
        return operation == _STORE_NAME and self._code.co_names[name] in _NOTES_ON_CLASSES


def _number(first: int, rest: Iterator[int]) -> int:
    """Read a number of one or more bytes: six bits each, and one that tells of another byte."""
    number, byte = first & 63, first
    while byte & 64:
        byte = next(rest)
        number = number << 6 | byte & 63
    return number
