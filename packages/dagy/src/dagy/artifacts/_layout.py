"""The bytes of a ZIP file around the content, of which an artifact has exactly one form.

Every field is a constant or follows from the name, size and checksum of a file: stored without
compression, dated 1980, a plain file of mode 644, one after the other without gaps. So equal
contents are equal archives wherever they are built, and a reader can tell every deviation.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dagy.artifacts._limits import MAX_FILES, MAX_NAME_BYTES
from dagy.artifacts._names import name_clash, name_problem
from dagy.artifacts._refusal import Refusal, shown

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
END_SIZE = _END.size

_LOCAL_SIGNATURE, _CENTRAL_SIGNATURE, _END_SIGNATURE = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_VERSION = 20
_UNIX = 3 << 8
_UTF8 = 0x800
_STORED = 0
_TIME, _DATE = 0, 1 << 5 | 1  # midnight of 1 January 1980, the earliest that there is
_MODE = stat.S_IFREG | 0o644
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_STREAMED = 0x8
_ZIP64 = 0xFFFFFFFF
_SPECIAL_MODE = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive.

    Attributes:
        crc: The CRC-32 of its content.
        offset: Where its header starts; the content follows that.
    """

    name: str
    size: int
    crc: int
    offset: int

    @property
    def content_offset(self) -> int:
        """Where its content starts."""
        return self.offset + _LOCAL.size + len(self.name.encode())

    @property
    def end(self) -> int:
        """Where the next header starts."""
        return self.content_offset + self.size


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the list of members is, at the end of an archive."""

    count: int
    size: int
    offset: int


def local_header(member: Member) -> bytes:
    """Return the bytes in front of a member's content."""
    name = member.name.encode()
    fields = (_VERSION, _UTF8, _STORED, _TIME, _DATE, member.crc, member.size, member.size)
    return _LOCAL.pack(_LOCAL_SIGNATURE, *fields, len(name), 0) + name


def directory_bytes(members: Sequence[Member]) -> bytes:
    """Return the list of members and the record that ends an archive."""
    entries = b"".join(map(_central_header, members))
    count, offset = len(members), members[-1].end
    return entries + _END.pack(_END_SIGNATURE, 0, 0, count, count, len(entries), offset, 0)


def read_end(record: bytes, *, size: int) -> Directory:
    """Read the record that ends an archive.

    Args:
        record: Its last bytes.
        size: That of the archive.

    Raises:
        Refusal: When they are no such record, or the list that it speaks of cannot be.
    """
    if len(record) != END_SIZE or record[:4] != _END_SIGNATURE:
        raise Refusal("it does not end as a ZIP file does; something is missing or was added")
    _, disk, first_disk, count_here, count, length, offset, comment = _END.unpack(record)
    if comment:
        raise Refusal("it has a comment")
    if 0xFFFF in (count, count_here) or _ZIP64 in (length, offset):
        raise Refusal("it uses ZIP64")
    if disk or first_disk or count_here != count:
        raise Refusal("it is one of several parts")
    if not 0 < count <= MAX_FILES + 2:
        raise Refusal(f"it has {count} entries; from 3 to {MAX_FILES + 2} are possible")
    if length > count * (_CENTRAL.size + MAX_NAME_BYTES):
        raise Refusal(f"its list of {count} entries has {length} bytes")
    if offset + length + END_SIZE != size:
        raise Refusal(
            "its parts do not add up to its size: something stands before, between or over"
        )
    return Directory(count, length, offset)


def read_members(entries: bytes, directory: Directory) -> tuple[Member, ...]:
    """Read the list of members.

    Raises:
        Refusal: When it is not exactly what `directory_bytes` would write for such members.
    """
    members = tuple(_read_entries(entries, directory.count))
    expected = 0
    for member in members:
        if member.offset != expected:
            raise Refusal(f"{shown(member.name)} overlaps another entry, or leaves a gap")
        expected = member.end
    if expected != directory.offset:
        raise Refusal("its entries do not end where its list of them starts")
    _require_distinct([member.name for member in members])
    return members


def _require_distinct(names: Sequence[str]) -> None:
    clash = name_clash(names)
    if clash is not None:
        one, other = map(shown, clash)
        if one == other:
            raise Refusal(f"it has two entries {one}")
        raise Refusal(f"{one} and {other} cannot both be there on every system")


def _central_header(member: Member) -> bytes:
    name = member.name.encode()
    return (
        _CENTRAL.pack(
            _CENTRAL_SIGNATURE,
            _UNIX | _VERSION,
            _VERSION,
            _UTF8,
            _STORED,
            _TIME,
            _DATE,
            member.crc,
            member.size,
            member.size,
            len(name),
            0,
            0,
            0,
            0,
            _MODE << 16,
            member.offset,
        )
        + name
    )


def _read_entries(entries: bytes, count: int) -> Iterator[Member]:
    position = 0
    for _ in range(count):
        header = entries[position : position + _CENTRAL.size]
        if len(header) != _CENTRAL.size or header[:4] != _CENTRAL_SIGNATURE:
            raise Refusal("its list of entries is broken")
        fields = _CENTRAL.unpack(header)
        end = position + _CENTRAL.size + fields[10]
        raw = entries[position + _CENTRAL.size : end]
        member = Member(_name(raw), fields[9], fields[7], fields[16])
        _require_plain(member, fields)
        if entries[position:end] != _central_header(member):
            raise Refusal(f"the entry {shown(member.name)} is not as dagy writes it")
        yield member
        position = end
    if position != len(entries):
        raise Refusal("there is more in its list of entries than entries")


def _name(raw: bytes) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise Refusal(f"the name {raw[:80]!a} is not UTF-8") from None
    problem = name_problem(name)
    if problem is not None:
        raise Refusal(f"the entry {shown(name)}: its name {problem}")
    return name


def _require_plain(member: Member, fields: tuple[int, ...]) -> None:
    flags, method, packed_size, extra, comment = (fields[index] for index in (3, 4, 8, 11, 12))
    mode = fields[15] >> 16
    problem = None
    if flags & _ENCRYPTED:
        problem = "is encrypted"
    elif method != _STORED:
        problem = "is compressed"
    elif _ZIP64 in (member.size, packed_size, member.offset):
        problem = "uses ZIP64"
    elif packed_size != member.size:
        problem = "has two sizes"
    elif extra or comment:
        problem = "has extra fields or a comment"
    elif flags & _STREAMED:
        problem = "has its size after its content"
    elif stat.S_ISLNK(mode):
        problem = "is a symbolic link"
    elif not stat.S_ISREG(mode):
        problem = "is not a file"
    elif mode & _SPECIAL_MODE:
        problem = "has a mode with special bits"
    if problem is not None:
        raise Refusal(f"the entry {shown(member.name)} {problem}")
