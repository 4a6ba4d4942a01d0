"""The contents of an archive, read in bounded pieces and checked against what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import BinaryIO
from zlib import crc32

from dagy.artifacts._json import bounded_text
from dagy.artifacts._layout import (
    END_SIZE,
    Member,
    local_header,
    read_end,
    read_members,
)
from dagy.artifacts._limits import CHUNK_BYTES, MAX_DOCUMENT_BYTES
from dagy.artifacts._manifest import MANIFEST_NAME, SPEC_NAME, Manifest, read_manifest
from dagy.artifacts._refusal import Refusal, shown
from dagy_types import FlowSpec, flow_spec_from_json, flow_spec_to_json
from dagy_types.errors import FlowDefinitionError


def read_list(file: BinaryIO, *, limit: int) -> tuple[Member, ...]:
    """Return the members of an archive, their contents unread.

    Raises:
        Refusal: When it is not laid out as an artifact is.
    """
    size = file.seek(0, 2)
    if size > limit:
        raise Refusal(f"it has {size} bytes, more than the limit of {limit}")
    directory = read_end(_read_at(file, max(0, size - END_SIZE), END_SIZE), size=size)
    members = read_members(_read_at(file, directory.offset, directory.size), directory)
    if members[0].name != MANIFEST_NAME:
        raise Refusal(f"its first entry is not {MANIFEST_NAME}")
    return members


def read_own_manifest(file: BinaryIO, members: Sequence[Member]) -> Manifest:
    """Return the manifest, which says the same as the list of members.

    Raises:
        Refusal: When it does not, or is none.
    """
    manifest = read_manifest(_document(file, members[0]))
    listed = [(each.path, each.size_bytes) for each in manifest.files]
    present = [(member.name, member.size) for member in members[1:]]
    if listed != present:
        paths, names = {path for path, _ in listed}, {name for name, _ in present}
        for path in sorted(paths - names):
            raise Refusal(f"{shown(path)} is missing")
        for name in sorted(names - paths):
            raise Refusal(f"{MANIFEST_NAME} does not list {shown(name)}")
        raise Refusal(f"{MANIFEST_NAME} lists its files in another order, or with other sizes")
    return manifest


def read_spec(file: BinaryIO, members: Sequence[Member], manifest: Manifest) -> FlowSpec:
    """Return the spec of the flow.

    Raises:
        Refusal: When it is none, or that of another flow.
    """
    data = _document(file, members[1])
    if sha256(data).hexdigest() != manifest.files[0].sha256:
        raise _wrong_hash(SPEC_NAME)
    text = bounded_text(data, SPEC_NAME)
    try:
        spec = flow_spec_from_json(text)
    except FlowDefinitionError as error:
        raise Refusal(f"{SPEC_NAME} is not the spec of a flow: {error.message[:200]}") from None
    except RecursionError:
        raise Refusal(f"{SPEC_NAME} is not the spec of a flow: it is too deep") from None
    texts = [text for each in spec.tasks for text in (each.description, each.code_hash)]
    if not all(map(_is_text, (*texts, spec.description, spec.code_hash))):
        raise Refusal(f"{SPEC_NAME} has a field of a wrong type")
    if flow_spec_to_json(spec) != text:
        raise Refusal(f"{SPEC_NAME} is not written as dagy writes it")
    if (spec.name, spec.version) != (manifest.flow_name, manifest.flow_version):
        raise Refusal(f"{SPEC_NAME} and {MANIFEST_NAME} name different flows")
    return spec


def checked_chunks(file: BinaryIO, member: Member, expected: str | None) -> Iterator[bytes]:
    """Yield the content of a member; the last step is its checks, so go to the end.

    Args:
        expected: The SHA-256 that it should have; ``None`` for the manifest.

    Raises:
        Refusal: When the header, checksum or hash is not the expected one, or the file ends early.
    """
    header = local_header(member)
    if _read_at(file, member.offset, len(header)) != header:
        raise Refusal(f"{shown(member.name)} has two headers that differ")
    digest, checksum, left = sha256(), 0, member.size
    while left:
        chunk = file.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise Refusal("it is shorter than it was")
        digest.update(chunk)
        checksum = crc32(chunk, checksum)
        left -= len(chunk)
        yield chunk
    if checksum != member.crc:
        raise Refusal(f"{shown(member.name)} has another checksum than its header says")
    if expected is not None and digest.hexdigest() != expected:
        raise _wrong_hash(member.name)


def _document(file: BinaryIO, member: Member) -> bytes:
    if member.size > MAX_DOCUMENT_BYTES:
        raise Refusal(f"{shown(member.name)} has more than {MAX_DOCUMENT_BYTES} bytes")
    return b"".join(checked_chunks(file, member, None))


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _wrong_hash(name: str) -> Refusal:
    return Refusal(f"{shown(name)} has another SHA-256 than {MANIFEST_NAME} says")
