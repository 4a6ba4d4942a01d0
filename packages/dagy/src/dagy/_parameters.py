"""A flow's parameters: what its function declares, and values that must fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from dagy._conversion import convert, infer_hint, parse, to_json
from dagy._mismatch import Mismatch
from dagy_types.errors import FlowDefinitionError, UsageError

_UNNAMED = {
    inspect.Parameter.POSITIONAL_ONLY: "is positional only",
    inspect.Parameter.VAR_POSITIONAL: "takes any number of positional values",
    inspect.Parameter.VAR_KEYWORD: "takes any number of keywords",
}


class Parameters:
    """The declared parameters of one flow.

    Args:
        are_checked: Whether values must be of the annotated types.

    Raises:
        FlowDefinitionError: When a parameter cannot be given by name.
    """

    def __init__(
        self, flow_name: str, function: Callable[..., Any], *, are_checked: bool = True
    ) -> None:
        self._flow_name = flow_name
        self._are_checked = are_checked
        self._function = function
        self._signature = inspect.signature(function)
        for parameter in self._signature.parameters.values():
            if parameter.kind in _UNNAMED:
                raise FlowDefinitionError(
                    f"Flow {flow_name!r}: parameter {parameter.name!r} {_UNNAMED[parameter.kind]}.",
                    hint="Every parameter of a flow needs a name of its own, as in day: date.",
                )

    @property
    def names(self) -> list[str]:
        """The parameters' names, in order."""
        return list(self._signature.parameters)

    def from_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a Python call by name, unchecked."""
        try:
            return dict(self._signature.bind_partial(*args, **kwargs).arguments)
        except TypeError as error:
            raise UsageError(f"Flow {self._flow_name!r}: {error}.", hint=self._offer()) from None

    def parse(self, texts: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete parameters; ``texts`` are read by annotation and win over ``values``."""
        self._refuse_unknown([*values, *texts])
        hints = self._hints()
        parsed = {name: self._fit(parse, name, hints[name], text) for name, text in texts.items()}
        return self.complete({**values, **parsed})

    def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values, each of its annotated type, with defaults filled in.

        Raises:
            UsageError: Names the parameter, what it must be and what it was.
        """
        self._refuse_unknown(values)
        hints = self._hints()
        complete = {}
        for name, parameter in self._signature.parameters.items():
            if name in values and self._are_checked:
                complete[name] = self._fit(convert, name, hints[name], values[name])
            elif name in values:
                complete[name] = values[name]
            elif parameter.default is inspect.Parameter.empty:
                raise UsageError(
                    f"Flow {self._flow_name!r} needs the parameter {name!r}.", hint=self._offer()
                )
            else:
                complete[name] = parameter.default
        return complete

    def to_json(self, complete: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete parameters as a JSON object that `complete` reads back.

        A default that has no JSON form is left out: reading back fills it in again.

        Raises:
            UsageError: When a value would not come back the same.
        """
        hints = self._hints()
        document = {}
        for name, value in complete.items():
            try:
                document[name] = to_json(hints[name] if self._are_checked else Any, value)
            except Mismatch as mismatch:
                if value is not self._signature.parameters[name].default:
                    raise self._misfit(name, mismatch) from None
        return document

    def _fit(self, fit: Callable[[Any, Any], Any], name: str, hint: Any, value: Any) -> Any:
        try:
            return fit(hint, value)
        except Mismatch as mismatch:
            raise self._misfit(name, mismatch) from None

    def _misfit(self, name: str, mismatch: Mismatch) -> UsageError:
        return UsageError(f"Flow {self._flow_name!r}: parameter {name!r} {mismatch}.")

    def _refuse_unknown(self, names: Mapping[str, Any] | list[str]) -> None:
        for name in names:
            if name not in self._signature.parameters:
                raise UsageError(
                    f"Flow {self._flow_name!r} has no parameter {name!r}.", hint=self._offer()
                )

    def _offer(self) -> str:
        if not self.names:
            return "It takes no parameters."
        shown = ", ".join(str(each) for each in self._signature.parameters.values())
        return f"Its parameters: {shown}."

    def _hints(self) -> dict[str, Any]:
        # Read when needed, not when decorated: an annotation may name what is defined further down.
        try:
            hints = get_type_hints(self._function)
        except Exception as error:
            raise FlowDefinitionError(
                f"Flow {self._flow_name!r}: its annotations cannot be read: {error}.",
                hint="Import the types that they name, at the top of the module.",
            ) from error
        return {
            name: hints.get(name, infer_hint(parameter.default))
            for name, parameter in self._signature.parameters.items()
        }
