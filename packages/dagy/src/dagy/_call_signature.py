"""How a function may be called: told quickly for the plain calls that most are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class CallSignature:
    """The parameters of a function.

    Attributes:
        parameters: By name, as `inspect` knows them.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._signature = inspect.signature(function)
        self.parameters = self._signature.parameters
        every = self.parameters.values()
        self._positional = [each.name for each in every if each.kind in _BY_POSITION]
        self._least = sum(each.default is each.empty for each in every if each.kind in _BY_POSITION)
        takes_any = any(each.kind is each.VAR_POSITIONAL for each in every)
        self._most = float("inf") if takes_any else len(self._positional)
        self._needs_keywords = any(
            each.kind is each.KEYWORD_ONLY and each.default is each.empty for each in every
        )

    def require(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Do nothing if the function can be called like this.

        Raises:
            TypeError: When it cannot; the message says why.
        """
        if kwargs or self._needs_keywords or not self._least <= len(args) <= self._most:
            self._signature.bind(*args, **kwargs)

    def named(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, with_defaults: bool = False
    ) -> dict[str, Any]:
        """Return the arguments of a call by the names of the parameters.

        Raises:
            TypeError: When the function cannot be called like this.
        """
        is_plain = not (kwargs or self._needs_keywords or with_defaults)
        if is_plain and self._least <= len(args) <= len(self._positional):
            return dict(zip(self._positional, args, strict=False))
        bound = self._signature.bind(*args, **kwargs)
        if with_defaults:
            bound.apply_defaults()
        return bound.arguments
