"""The serializers of a run: which one writes a task's output, and which one reads it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dagy._artifact import ArtifactSerializer, LocalArtifact
from dagy._pickle_serializer import PickleSerializer
from dagy._serializer import JsonSerializer
from dagy._task_output import TaskOutput
from dagy_types import Input, Output, Serializer
from dagy_types.errors import ArtifactError, FlowDefinitionError

_JSON = JsonSerializer()
_JSON_NAME = _JSON.name
_ARTIFACTS = ArtifactSerializer()

BUILT_IN: Mapping[str, Serializer] = {
    each.name: each for each in (_JSON, PickleSerializer(), _ARTIFACTS)
}

# What nobody can change needs no copies: a value of these types, once read, is given to all.
_UNCHANGEABLE = frozenset({type(None), bool, int, float, str})
_LONGEST_SHARED_BYTES = 64
_MOST_SHARED = 4096
_NOT_SHARED = object()


def encode(value: Any, writer: Serializer) -> Output:
    """Return what a task returned as its serializer writes it; an artifact writes itself.

    Raises:
        ArtifactError: When the value could not be restored exactly.
    """
    if type(value) is LocalArtifact:
        writer = _ARTIFACTS
    data = writer.encode(value)
    if type(data) is not bytes:
        raise ArtifactError(
            f"Serializer {writer.name!r} encoded a value as {type(data).__name__}, not as bytes.",
            hint="Let its encode method return bytes.",
        )
    return Output(data, writer.name)


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
        self._shared: dict[bytes, Any] = {}  # from JSON texts to what they stand for
        for serializer in used:
            known = self._by_name.setdefault(serializer.name, serializer)
            if known is not serializer:
                raise FlowDefinitionError(
                    f"Two serializers have the name {serializer.name!r}.",
                    hint="Use one object for all tasks, or give them different names.",
                )

    def named(self, name: str) -> Serializer:
        """Return the serializer with this name.

        Raises:
            ArtifactError: When the flow has none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise ArtifactError(
                f"An output was recorded by a serializer {name!r}, which this flow does not have.",
                hint="Give its task the serializer that it had.",
            ) from None

    def restore(self, output: Output) -> Any:
        """Return a new copy of what a task returned.

        Raises:
            ArtifactError: When it cannot be restored.
        """
        data = output.data
        if output.serializer != _JSON_NAME:
            return self.named(output.serializer).decode(data)
        value = self._shared.get(data, _NOT_SHARED)
        if value is _NOT_SHARED:
            value = _JSON.decode(data)
            if len(data) <= _LONGEST_SHARED_BYTES and type(value) in _UNCHANGEABLE:
                if len(self._shared) >= _MOST_SHARED:
                    self._shared.clear()
                self._shared[data] = value
        return value

    def restore_input(self, source: Input) -> Any:
        """Return a new copy of what a task returned; for a mapped task a list."""
        if isinstance(source, Output):
            return self.restore(source)
        return [self.restore(each) for each in source]

    def restorer(self, inputs: Mapping[str, Input]) -> Callable[[TaskOutput], Any]:
        """Return what gives a new copy of an input for its placeholder."""
        shared, restore_input = self._shared, self.restore_input

        def restored(placeholder: TaskOutput) -> Any:
            source = inputs[placeholder.task_id]
            # As `restore` does it, which nearly every input would pay for.
            if type(source) is Output and source.serializer == _JSON_NAME:
                value = shared.get(source.data, _NOT_SHARED)
                if value is not _NOT_SHARED:
                    return value
            return restore_input(source)

        return restored
