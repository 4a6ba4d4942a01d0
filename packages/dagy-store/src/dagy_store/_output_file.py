"""Outputs that are too large for a row: ``artifacts/<run_id>/<task_id>/output``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from dagy_store._private_files import (
    make_private_directory,
    open_private,
    sync_directory,
    write_all,
)
from dagy_types.errors import ArtifactError


@contextmanager
def staged_outputs(directory: Path, outputs: Mapping[str, bytes]) -> Iterator[Callable[[], None]]:
    """Write outputs by task id under other names, durably; the function given publishes them.

    So the transaction that refers to them can be refused without touching an earlier output, and
    once it commits they are there. What was not published is removed.
    """
    with ExitStack() as stack:
        files: list[tuple[Path, Path]] = []
        for task_id, content in outputs.items():
            path = directory / task_id / "output"
            new = path.with_name("output.new")
            make_private_directory(path.parent)
            stack.callback(new.unlink, missing_ok=True)
            _write(new, content)
            files.append((new, path))

        def publish() -> None:
            for new, path in files:
                new.replace(path)
                sync_directory(path.parent)
            stack.pop_all()  # nothing is left to remove, and so nothing fails after the commit

        yield publish


NO_OUTPUTS = nullcontext(lambda: None)
"""Stands for `staged_outputs` where there are none, as for most transactions."""


def read_output_file(directory: Path, task_id: str, *, size_bytes: int) -> bytes:
    """Return the content of an output.

    Raises:
        ArtifactError: When the file is missing or has another size than was recorded.
    """
    path = directory / task_id / "output"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    if len(content) != size_bytes:
        raise ArtifactError(
            f"The output of task {task_id!r} is not whole: {path} should have {size_bytes} bytes.",
            hint="The file was changed or removed. Run the flow again.",
        )
    return content


def _write(path: Path, content: bytes) -> None:
    descriptor = open_private(path, os.O_WRONLY | os.O_TRUNC)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
