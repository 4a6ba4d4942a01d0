"""The serializers of a run: which one writes a task's output, and which one reads it again."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from typing import Any

from dagy._serializer import JsonSerializer
from dagy_types import Output, Serializer
from dagy_types.errors import ArtifactError, FlowDefinitionError


class PickleSerializer:
    """Writes what JSON cannot hold. Only for tasks that ask for it: reading a pickle runs code."""

    name = "pickle"

    def encode(self, value: Any) -> bytes:
        """Return the pickle of a value.

        Raises:
            ArtifactError: When it has none.
        """
        try:
            return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            raise ArtifactError(
                f"A value of type {type(value).__qualname__} cannot be pickled: {error}.",
                hint="Return plain data, or write a file and return its pathlib.Path.",
            ) from error

    def decode(self, data: bytes) -> Any:
        """Return a new copy of the value.

        Raises:
            ArtifactError: When the pickle cannot be read here.
        """
        try:
            return pickle.loads(data)  # noqa: S301  written by the same flow, on its author's demand
        except Exception as error:
            raise ArtifactError(f"A recorded output cannot be restored: {error!r}.") from error


BUILT_IN: Mapping[str, Serializer] = {"json": JsonSerializer(), "pickle": PickleSerializer()}


def serializer_for(choice: Any) -> Serializer:
    """Return the serializer that a task asks for, by name or as an object.

    Raises:
        FlowDefinitionError: When there is none of that name, or the object is no serializer.
    """
    if isinstance(choice, str) and choice in BUILT_IN:
        return BUILT_IN[choice]
    methods = (getattr(choice, name, None) for name in ("encode", "decode"))
    is_named = isinstance(getattr(choice, "name", None), str) and not isinstance(choice, type)
    if is_named and all(map(callable, methods)):
        serializer: Serializer = choice
        return serializer
    raise FlowDefinitionError(
        f"serializer must be one of {', '.join(BUILT_IN)} or a Serializer; got {choice!r}.",
        hint="A Serializer has a name, encode(value) -> bytes and decode(bytes).",
    )


class Serializers:
    """Those that the tasks of a flow use, by name.

    Raises:
        FlowDefinitionError: When two different ones have the same name.
    """

    def __init__(self, used: Iterable[Serializer]) -> None:
        self._by_name = dict(BUILT_IN)
        for serializer in used:
            known = self._by_name.setdefault(serializer.name, serializer)
            if known is not serializer:
                raise FlowDefinitionError(
                    f"Two serializers have the name {serializer.name!r}.",
                    hint="Use one object for all tasks, or give them different names.",
                )

    def restore(self, output: Output) -> Any:
        """Return a new copy of what a task returned.

        Raises:
            ArtifactError: When it cannot be restored.
        """
        return self._by_name[output.serializer].decode(output.data)
