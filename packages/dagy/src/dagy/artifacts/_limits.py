"""How large an archive and its parts may be: what bounds the memory and time of reading one."""

from __future__ import annotations

MAX_ARTIFACT_BYTES = 256 * 1024 * 1024
"""The whole archive; nothing in it is compressed, so that is also what it unpacks to."""

MAX_FILES = 10_000
MAX_NAME_BYTES = 255
MAX_NAME_PARTS = 32
MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Each of the two JSON documents."""

MAX_DOCUMENT_MARKS = 300_000
"""Commas, colons and brackets of a JSON document: what it takes in memory grows with these."""

CHUNK_BYTES = 256 * 1024
