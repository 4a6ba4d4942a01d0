"""The key under which a task's output is found again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# Goes up when the recipe changes, so that keys of two recipes never meet.
_RECIPE = "dagy-cache-1"


def cache_key(
    task_identity: str, code: str | None, arguments: Mapping[str, tuple[str, bytes]]
) -> str:
    """Return 64 hexadecimal digits: equal for equal calls of a task only.

    It is the SHA-256 of these fields, each preceded by its length as eight bytes, the highest
    first: the name of the recipe, the task's identity, its code, and for each argument in the order
    of the names: the name, the name of its serializer, its encoded value. Text is in UTF-8.

    Args:
        task_identity: Module and qualified name of its function, with a colon between.
        code: The hash of its code; ``None`` (an empty field) when any code will do.
        arguments: By name, the serializer's name and the encoded value.
    """
    from hashlib import sha256  # only runs need it, and commands should start fast

    digest = sha256()
    for content in _fields(task_identity, code, arguments):
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()


def _fields(
    task_identity: str, code: str | None, arguments: Mapping[str, tuple[str, bytes]]
) -> Iterator[bytes]:
    yield from map(_encoded, (_RECIPE, task_identity, code or ""))
    for name in sorted(arguments):
        serializer, value = arguments[name]
        yield from (_encoded(name), _encoded(serializer), value)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # names of files may hold any byte
