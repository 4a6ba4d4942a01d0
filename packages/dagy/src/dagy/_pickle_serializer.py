"""The serializer for what JSON cannot hold."""

from __future__ import annotations

from typing import Any

from dagy_types.errors import ArtifactError


class PickleSerializer:
    """Writes what JSON cannot hold. Only for tasks that ask for it: reading a pickle runs code."""

    name = "pickle"

    def encode(self, value: Any) -> bytes:
        """Return the pickle of a value.

        Raises:
            ArtifactError: When it has none.
        """
        import pickle  # for the tasks that ask for it

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
        import pickle  # for the tasks that ask for it

        try:
            return pickle.loads(data)  # noqa: S301  written by the same flow, on its author's demand
        except Exception as error:
            raise ArtifactError(f"A recorded output cannot be restored: {error!r}.") from error
