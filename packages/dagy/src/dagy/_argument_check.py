"""Whether a task's arguments are of the types that it declares: shallow, and so cheap."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from dagy._call_signature import CallSignature
from dagy._conversion import bare
from dagy._mismatch import shown
from dagy._models import is_model_class
from dagy_types.errors import UsageError

Check = Callable[[Any], bool]


class ArgumentCheck:
    """Checks the arguments of one task's calls.

    Only what can be decided by looking at the value itself is checked: classes, unions, literals,
    and of containers the container. Other annotations let everything through.
    """

    def __init__(
        self, task_name: str, function: Callable[..., Any], signature: CallSignature
    ) -> None:
        self._task_name = task_name
        self._function = function
        self._signature = signature
        self._checks: dict[str, tuple[Any, Check]] | None = None
        self._by_position: list[Check | None] = []

    def require(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Check a call's arguments.

        Raises:
            UsageError: Names the parameter, what it must be and what it was.
        """
        if self._checks is None:
            self._checks = self._read_checks()
        if not self._checks or self._are_plain_and_right(args, kwargs):
            return
        arguments = self._signature.named(args, kwargs)
        for name, (hint, check) in self._checks.items():
            if name in arguments and not check(arguments[name]):
                raise self._misfit(name, hint, arguments[name])

    def _are_plain_and_right(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Tell at little cost what is true of nearly all calls."""
        if kwargs or len(args) > len(self._by_position):
            return False
        for value, check in zip(args, self._by_position, strict=False):
            if check is not None and not check(value):
                return False
        return True

    def _misfit(self, name: str, hint: Any, value: Any) -> UsageError:
        example = "another value"
        if isinstance(value, dict) and (is_model_class(hint) or is_dataclass(hint)):
            example = f"{_shown(hint)}(**values)"
        return UsageError(
            f"Task {self._task_name!r}: parameter {name!r} must be {_shown(hint)}; "
            f"got {shown(value)} of type {type(value).__name__}.",
            hint=f"Pass {example}, or set validate_parameters=False.",
        )

    def _read_checks(self) -> dict[str, tuple[Any, Check]]:
        try:
            hints = get_type_hints(self._function)
        except Exception:  # noqa: BLE001  names that only type checkers import: nothing to check
            return {}
        checks = {}
        for name, parameter in self._signature.parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            hint = hints.get(name, Any)
            check = _check_of(hint)
            if check is not None:
                checks[name] = (hint, check)
            if parameter.kind is not parameter.KEYWORD_ONLY:
                self._by_position.append(check)
        return checks


def _check_of(hint: Any) -> Check | None:
    hint = bare(hint)
    if hint is Any:
        return None
    origin = get_origin(hint) or hint
    if is_typeddict(origin):
        origin = dict
    if origin in (Union, types.UnionType):
        members = [_check_of(each) for each in get_args(hint)]
        known = [each for each in members if each is not None]
        if len(known) < len(members):
            return None
        return lambda value: any(check(value) for check in known)
    if origin is Literal:
        choices = get_args(hint)
        return lambda value: any(type(value) is type(each) and value == each for each in choices)
    if origin is None:
        return lambda value: value is None
    if origin is float:
        return lambda value: isinstance(value, (float, int)) and not isinstance(value, bool)
    if origin is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    if isinstance(origin, type) and origin is not object and not _is_protocol(origin):
        return lambda value: isinstance(value, origin)
    return None


def _is_protocol(kind: type) -> bool:
    return bool(getattr(kind, "_is_protocol", False))


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)
