"""Has the code of a function changed? A hash that tells, in any process and on any machine."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from enum import Enum
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

from dagy._operations import Operations

# Goes up when the recipe below changes, so that hashes of two recipes never meet.
_RECIPE = "dagy-code-1"

# Not among them: whether there is a docstring, or a function around it.
_FLAGS = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ITERABLE_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)

_ATOMS = frozenset({type(None), type(...), bool, float, complex, str, bytes})
# The text of a value from these modules says all about it.
_VALUE_MODULES = frozenset({"datetime", "decimal", "fractions", "pathlib", "uuid"})


def code_hash(function: Callable[..., Any]) -> str:
    """Return 32 hexadecimal digits that change when the code of a function does.

    They are the same in every process, wherever the function's file is and whatever stands around
    it. Comments, annotations, decorators and docstrings make no difference. Layout makes none but
    for a few conditions, of which some versions of Python compile two lines otherwise than one.
    Default values and what an inner function takes from around it do make one, as far as they are
    plain: numbers, text, dates, paths, enums, tuples of these, and functions. What the function
    calls does not.

    The code is bytecode, so the minor version of Python (3.11, 3.12, …) is a part of it. Of a
    function without any, a built-in for instance, the name is all that counts; of a
    `functools.partial` what it holds; of any other object the ``__call__`` of its class.
    """
    from hashlib import sha256  # only runs need it, and commands should start fast

    content = (_RECIPE, sys.implementation.cache_tag, _function(inspect.unwrap(function)))
    return sha256(ascii(content).encode("ascii")).hexdigest()[:32]


# What is hashed is the text of nested tuples: their quotes and brackets keep neighbours apart.


def _function(function: Any) -> tuple[Any, ...]:
    if isinstance(function, FunctionType):
        keywords = function.__kwdefaults__ or {}
        return (
            "function",
            _code(function.__code__),
            _value(function.__defaults__),
            [(name, _value(keywords[name])) for name in sorted(keywords)],
            [_cell(cell) for cell in function.__closure__ or ()],
        )
    if isinstance(function, MethodType):
        return ("method", _name(type(function.__self__)), _function(function.__func__))
    if isinstance(function, functools.partial):
        keywords = function.keywords
        return (
            "partial",
            _function(inspect.unwrap(function.func)),
            _value(function.args),
            [(name, _value(keywords[name])) for name in sorted(keywords)],
        )
    if isinstance(function, (type, BuiltinFunctionType)):
        return ("name", _name(function))
    call = type(function).__call__
    code = _code(call.__code__) if isinstance(call, FunctionType) else None
    return ("object", _name(type(function)), code)


def _cell(cell: Any) -> Any:
    try:
        content = cell.cell_contents
    except ValueError:  # what it will hold is defined further down
        return ("empty",)
    # Not its own cells: a function that calls itself is in one of them.
    return _code(content.__code__) if isinstance(content, FunctionType) else _value(content)


def _code(code: CodeType) -> tuple[Any, ...]:
    operations = Operations(code)
    return (
        "code",
        code.co_name,
        operations.numbers,
        operations.protected_ranges(),
        [_value(each) for each in operations.constants],
        code.co_names,
        code.co_varnames,
        code.co_cellvars,
        code.co_freevars,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        code.co_flags & _FLAGS,
    )


def _value(value: Any) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is int:
        return ("int", hex(value))  # decimal digits are limited in number
    if kind is tuple:
        return ("tuple", [_value(each) for each in value])
    if kind is frozenset:
        return ("frozenset", sorted(ascii(_value(each)) for each in value))
    if kind is CodeType:
        return _code(value)
    if isinstance(value, Enum):
        return ("enum", _name(kind), value.name)
    if kind.__module__.partition(".")[0] in _VALUE_MODULES:
        return ("value", _name(kind), repr(value))
    return ("object", _name(kind))


def _name(named: Any) -> str:
    return f"{named.__module__}:{named.__qualname__}"
