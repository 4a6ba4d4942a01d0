"""JSON documents that say their version, so that an older release refuses what it cannot know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagy_auth._secret import Secret
from dagy_types.errors import CredentialStoreError

VERSION = 1


class NewerVersion(Exception):  # noqa: N818 - it never leaves this package
    """A document was written by a newer release."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


def parse_versioned(text: Secret) -> dict[str, Any]:
    """Return a document that this release can read.

    Raises:
        NewerVersion: When a newer release wrote it.
        ValueError: When it is no such document.
    """
    document = json.loads(text.reveal())
    version = document.get("version") if isinstance(document, dict) else None
    if type(version) is not int or version < VERSION:
        raise ValueError("no version")
    if version > VERSION:
        raise NewerVersion(version)
    return dict(document)


@contextmanager
def document_errors(place: str, *, remedy: str) -> Iterator[None]:
    """Turn what is wrong with a document into an error that names the place, never the content."""
    try:
        yield
    except NewerVersion as newer:
        raise CredentialStoreError(
            f"{place} was written by a newer version: "
            f"format {newer.version}, and this one knows {VERSION}.",
            hint=f"Upgrade, or {remedy}.",
        ) from None
    except (ValueError, OverflowError, RecursionError):
        raise CredentialStoreError(
            f"{place} is damaged.", hint=f"{remedy[0].upper()}{remedy[1:]}."
        ) from None
