"""SEC-11: archives that differ from a sound one in one thing, and what becomes of each."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from dagy.artifacts import ArtifactFile, Manifest, open_artifact
from dagy.artifacts._layout import Member, directory_bytes, local_header
from dagy.artifacts._manifest import manifest_json
from dagy_types import FlowSpec, TaskSpec, flow_spec_to_json
from dagy_types.errors import ArtifactError

SOURCES = {"src/etl.py": b"daily = 1\n", "src/sql/load.sql": b"select 1;\n"}
SPEC = FlowSpec(name="daily", tasks=(TaskSpec(task_id="a", name="a"),), outputs=("a",))
SPEC_JSON = flow_spec_to_json(SPEC).encode()

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL_FIELDS = "signature version flags method time date crc packed size name_length extra_length"
CENTRAL_FIELDS = (
    "signature made_by version flags method time date crc packed size name_length extra_length "
    "comment_length disk internal mode offset"
)


def manifest_of(files: Mapping[str, bytes], spec: bytes | None = None, **changes: Any) -> Manifest:
    """A manifest that is true of the files."""
    contents = {"flow.json": SPEC_JSON if spec is None else spec, **files}
    values = {
        "flow_name": "daily",
        "flow_version": "latest",
        "entry_path": "src/etl.py",
        "entry_flow": "daily",
        "python": "3.12",
        "requirements": (),
        "files": tuple(
            ArtifactFile(name, len(content), sha256(content).hexdigest())
            for name, content in contents.items()
        ),
        **changes,
    }
    return Manifest(**values)


def sound(files: Mapping[str, bytes] = SOURCES, spec: bytes = SPEC_JSON, **changes: Any) -> bytes:
    """A sound archive, unless the files, the spec or the changes to its manifest are not."""
    manifest = manifest_json(manifest_of(files, spec, **changes))
    return packed({"manifest.json": manifest, "flow.json": spec, **files})


def with_manifest(manifest: bytes) -> bytes:
    """An archive that is sound but for this manifest."""
    return packed({"manifest.json": manifest, "flow.json": SPEC_JSON, **SOURCES})


def with_document(**changes: Any) -> bytes:
    """An archive with these changes to the document of the manifest, whatever its hash is."""
    document = {**json.loads(manifest_json(manifest_of(SOURCES))), **changes}
    return with_manifest(json.dumps(document, indent=1).encode() + b"\n")


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files in the layout of an artifact, whatever they are."""
    body, members = b"", []
    for name, content in files.items():
        members.append(Member(name, len(content), crc32(content), len(body)))
        body += local_header(members[-1]) + content
    return body + directory_bytes(members)


class Forgery:
    """A sound archive whose headers can be changed one by one, the rest staying consistent."""

    def __init__(self, files: Mapping[str, bytes] = SOURCES) -> None:
        manifest = manifest_json(manifest_of(files))
        contents = {"manifest.json": manifest, "flow.json": SPEC_JSON, **files}
        self.names = [name.encode() for name in contents]
        self.contents = list(contents.values())
        self.local: dict[int, dict[str, Any]] = {}
        self.central: dict[int, dict[str, Any]] = {}
        self.between = b""  # after the contents
        self.end: dict[str, int] = {}

    def entry(self, index: int, **fields: Any) -> Forgery:
        """Change fields of both headers of an entry."""
        self.central.setdefault(index, {}).update(fields)
        known = [*LOCAL_FIELDS.split(), "extra"]
        self.local.setdefault(index, {}).update(
            {name: value for name, value in fields.items() if name in known}
        )
        return self

    def named(self, index: int, name: bytes) -> Forgery:
        """Rename an entry."""
        self.names[index] = name
        return self

    def bytes(self) -> bytes:
        """The archive."""
        body, entries = b"", b""
        for index, (name, content) in enumerate(zip(self.names, self.contents, strict=True)):
            changes = {"offset": len(body), **self.central.get(index, {})}
            body += self._header(LOCAL, LOCAL_FIELDS, name, content, self.local.get(index, {}))
            body += content
            entries += self._header(CENTRAL, CENTRAL_FIELDS, name, content, changes)
        body += self.between
        count = len(self.names)
        end = {
            "disk": 0,
            "first_disk": 0,
            "count_here": count,
            "count": count,
            "size": len(entries),
            "offset": len(body),
            "comment": 0,
            **self.end,
        }
        return body + entries + struct.pack("<4s4H2LH", b"PK\5\6", *end.values())

    def _header(
        self, form: struct.Struct, fields: str, name: bytes, content: bytes, changes: dict[str, Any]
    ) -> bytes:
        extra, comment = changes.get("extra", b""), changes.get("comment", b"")
        values = {
            "signature": b"PK\1\2" if form is CENTRAL else b"PK\3\4",
            "made_by": 3 << 8 | 20,
            "version": 20,
            "flags": 0x800,
            "method": 0,
            "time": 0,
            "date": 33,
            "crc": crc32(content),
            "packed": len(content),
            "size": len(content),
            "name_length": len(name),
            "extra_length": len(extra),
            "comment_length": len(comment),
            "disk": 0,
            "internal": 0,
            "mode": 0o100644 << 16,
            "offset": 0,
            **changes,
        }
        return form.pack(*(values[field] for field in fields.split())) + name + extra + comment


def zipped(
    files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    """The files as another program would pack them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def contents(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def name_of(name: str) -> Callable[[], bytes]:
    """An archive whose manifest and headers agree on a name that must not be."""
    return lambda: sound({"src/etl.py": b"", name: b"x"})


def raw_name(name: bytes) -> Callable[[], bytes]:
    return lambda: Forgery().named(3, name).bytes()


def entry(**fields: Any) -> Callable[[], bytes]:
    return lambda: Forgery().entry(3, **fields).bytes()


def local(**fields: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        forgery = Forgery()
        forgery.local[3] = fields
        return forgery.bytes()

    return make


def central(**fields: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        forgery = Forgery()
        forgery.central[3] = fields
        return forgery.bytes()

    return make


def end(**fields: int) -> Callable[[], bytes]:
    def make() -> bytes:
        forgery = Forgery()
        forgery.end = fields
        return forgery.bytes()

    return make


def changed_content() -> bytes:
    forgery = Forgery()
    forgery.contents[2] = b"daily = 2\n"
    return forgery.bytes()


def gap() -> bytes:
    forgery = Forgery()
    forgery.between = b"hidden"
    return forgery.bytes()


def overlapping() -> bytes:
    """A better zip bomb: two entries share one content."""
    forgery = Forgery({"src/etl.py": b"daily = 1\n", "src/etl2.py": b"daily = 1\n"})
    forgery.central[3] = {"offset": 0}
    return forgery.bytes()


def zip64() -> bytes:
    """An end record of 64 bits, which says otherwise than the one of 32."""
    forgery = Forgery()
    forgery.end = {"count": 0xFFFF, "count_here": 0xFFFF}
    return forgery.bytes()


def zip64_locator() -> bytes:
    archive = Forgery().bytes()
    start = len(archive) - 22
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 50, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start, 1)
    return archive[:start] + record + locator + archive[start:]


def zip64_sizes() -> bytes:
    extra = struct.pack("<2H2Q", 1, 16, 10, 10)
    return Forgery().entry(3, size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=extra).bytes()


def bomb() -> bytes:
    """10 MB of zeros in 10 KB, with a manifest that is true of it."""
    files = {**SOURCES, "src/zeros.bin": bytes(10_000_000)}
    return zipped(contents(sound(files)))


def forty_two() -> bytes:
    """As 42.zip: archives in archives, each many times, around one large content."""
    archive = zipped({"0.dll": bytes(20_000_000)})
    for level in range(3):
        archive = zipped({f"lib {level}-{number}.zip": archive for number in range(16)})
    return archive


def million_entries() -> bytes:
    """10⁶ entries, all told by an end record of 64 bits."""
    name = b"src/a.py"
    one = LOCAL.pack(b"PK\3\4", 20, 0x800, 0, 0, 33, 0, 0, 0, len(name), 0) + name
    fields = (788, 20, 0x800, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0o100644 << 16, 0)
    entries = (CENTRAL.pack(b"PK\1\2", *fields) + name) * 1_000_000
    body = len(one)
    start = body + len(entries)
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**6, 10**6, len(entries), body
    )
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, start, 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(entries), body, 0)
    return one + entries + record + locator + last


def million_entries_told_as_few() -> bytes:
    archive = million_entries()
    entries = 54_000_000
    body = len(archive) - entries - 56 - 20 - 22
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, entries, body, 0)
    return archive[: body + entries] + last


def many_entries() -> bytes:
    return packed({f"src/{number}.py": b"" for number in range(10_500)})


def deep_json() -> bytes:
    return with_manifest(b'{"format":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}")


def wide_json() -> bytes:
    return with_manifest(b"[" + b"[]," * 1_000_000 + b"[]]")


def huge_json() -> bytes:
    return with_manifest(b'"' + b"x" * 5_000_000 + b'"')


def long_number() -> bytes:
    return with_manifest(b'{"format":' + b"9" * 1_000_000 + b"}")


def wide_spec() -> bytes:
    return sound(spec=b'{"tasks":[' + b'"a",' * 900_000 + b'"a"]}')


def cyclic_spec() -> bytes:
    tasks = (TaskSpec(task_id="a", name="a"), TaskSpec(task_id="b", name="b", depends_on=("a",)))
    text = flow_spec_to_json(FlowSpec(name="daily", tasks=tasks))
    return sound(spec=text.replace('"depends_on":[]', '"depends_on":["b"]').encode())


SPEC_TEXT = SPEC_JSON.decode()

CORPUS: dict[str, tuple[Callable[[], bytes], str]] = {
    # Names that lead elsewhere, or mean different things in different places
    "parent": (name_of("src/../../evil.py"), r"has the part '\.\.'"),
    "only parent": (raw_name(b".."), r"has the part '\.\.'"),
    "parent at the end": (name_of("src/.."), r"has the part '\.\.'"),
    "here": (name_of("src/./etl2.py"), r"has the part '\.'"),
    "absolute": (raw_name(b"/etc/cron.d/evil"), "starts at the root"),
    "two slashes": (raw_name(b"//server/share/evil"), "starts at the root"),
    "empty part": (name_of("src//evil.py"), "has an empty part"),
    "empty name": (raw_name(b""), "has an empty part"),
    "directory": (name_of("src/evil/"), "has an empty part"),
    "backslash": (name_of("src\\..\\evil.py"), "another meaning on some systems"),
    "UNC": (raw_name(b"\\\\server\\share\\evil"), "another meaning on some systems"),
    "drive": (raw_name(b"C:/evil.py"), "':' in it"),
    "drive, relative": (raw_name(b"C:evil.py"), "':' in it"),
    "alternate stream": (name_of("src/etl.txt:evil"), "':' in it"),
    "wildcard": (name_of("src/a*.py"), r"'\*' in it"),
    "NUL": (raw_name(b"src/etl.py\0.txt"), "cannot be seen"),
    "newline": (raw_name(b"src/a\nb.py"), "cannot be seen"),
    "escape": (raw_name(b"src/\x1b[2J.py"), "cannot be seen"),
    "right to left": (name_of("src/evil\u202eyp.exe"), "cannot be seen"),
    "zero width": (name_of("src/etl\u200b.py"), "cannot be seen"),
    "not UTF-8": (raw_name(b"src/\xff\xfe.py"), "is not UTF-8"),
    "overlong UTF-8": (raw_name(b"src/\xc0\xae\xc0\xae/evil.py"), "is not UTF-8"),
    "surrogate": (raw_name(b"src/\xed\xa0\x80.py"), "is not UTF-8"),
    "trailing dot": (name_of("src/evil.py."), "ends with a dot or a space"),
    "trailing space": (name_of("src/evil.py "), "ends with a dot or a space"),
    "directory with a dot": (name_of("src/evil./a.py"), "ends with a dot or a space"),
    "device": (name_of("src/con"), "device on Windows"),
    "device with an ending": (name_of("src/NUL.py"), "device on Windows"),
    "device as directory": (name_of("src/aux/evil.py"), "device on Windows"),
    "numbered device": (name_of("src/COM1.txt"), "device on Windows"),
    "superscript device": (name_of("src/lpt².txt"), "device on Windows"),
    "long name": (name_of("src/" + "a" * 300), "more than 255 bytes"),
    "deep name": (name_of("src/" + "a/" * 40 + "b"), "more than 32 parts"),
    # Names that meet
    "other case": (name_of("src/ETL.py"), "cannot both be there"),
    "other case of a directory": (
        lambda: sound({"src/A/x.py": b"", "src/a/y.py": b"", "src/etl.py": b""}),
        "cannot both be there",
    ),
    "folded case": (
        lambda: sound({"src/etl.py": b"", "src/stra\u00dfe": b"", "src/strasse": b""}),
        "cannot both be there",
    ),
    "composed and decomposed": (
        lambda: sound({"src/etl.py": b"", "src/cafe\u0301": b"", "src/caf\u00e9": b""}),
        "cannot both be there",
    ),
    "file and directory": (name_of("src/etl.py/evil.py"), "cannot both be there"),
    "twice": (raw_name(b"src/etl.py"), "two entries 'src/etl.py'"),
    "manifest twice": (raw_name(b"manifest.json"), "two entries 'manifest.json'"),
    # Entries that are no plain files
    "symbolic link": (entry(mode=0o120777 << 16), "symbolic link"),
    "hard link": (entry(extra=b"\x0d\0\x08\0" + bytes(8)), "extra fields"),
    "block device": (entry(mode=0o060644 << 16), "is not a file"),
    "character device": (entry(mode=0o020644 << 16), "is not a file"),
    "pipe": (entry(mode=0o010644 << 16), "is not a file"),
    "socket": (entry(mode=0o140644 << 16), "is not a file"),
    "directory by mode": (entry(mode=0o040755 << 16 | 0x10), "is not a file"),
    "mode of DOS": (entry(mode=0, made_by=20), "is not a file"),
    "setuid": (entry(mode=0o104755 << 16), "special bits"),
    "setgid": (entry(mode=0o102755 << 16), "special bits"),
    "sticky": (entry(mode=0o101644 << 16), "special bits"),
    "writable by all": (entry(mode=0o100666 << 16), "not as dagy writes it"),
    # Headers that say something else
    "encrypted": (entry(flags=0x801), "is encrypted"),
    "strongly encrypted": (entry(flags=0x841), "is encrypted"),
    "masked headers": (entry(flags=0x2800), "is encrypted"),
    "compressed": (entry(method=8), "is compressed"),
    "unknown method": (entry(method=99), "is compressed"),
    "size after content": (entry(flags=0x808), "its size after its content"),
    "no UTF-8 flag": (entry(flags=0), "not as dagy writes it"),
    "extra fields": (entry(extra=b"UT\5\0\3" + bytes(4)), "extra fields"),
    "comment of an entry": (central(comment=b"hello"), "comment"),
    "other date": (entry(date=0x5B7A), "not as dagy writes it"),
    "other disk": (central(disk=1), "not as dagy writes it"),
    "two sizes": (entry(packed=4), "two sizes"),
    "lying size": (entry(size=5, packed=5), "overlaps|do not end where"),
    "lying large size": (entry(size=1 << 31, packed=1 << 31), "overlaps|do not end where"),
    "local size": (local(size=5, packed=5), "two headers that differ"),
    "local name length": (local(name_length=3), "two headers that differ"),
    "local method": (local(method=8), "two headers that differ"),
    "local flags": (local(flags=0x801), "two headers that differ"),
    "local checksum": (local(crc=1), "two headers that differ"),
    "local signature": (local(signature=b"PK\1\2"), "two headers that differ"),
    "local extra": (local(extra_length=4), "two headers that differ"),
    "checksum": (entry(crc=1), "another checksum"),
    "central signature": (central(signature=b"PK\3\4"), "list of entries is broken"),
    "central name length": (central(name_length=9999), "list of entries is broken|not as dagy"),
    "header overlaps": (central(offset=0), "overlaps"),
    "offset elsewhere": (central(offset=1 << 31), "overlaps"),
    "shared content": (overlapping, "overlaps"),
    # What stands around the entries
    "empty file": (lambda: b"", "does not end as a ZIP file"),
    "no archive": (lambda: b"not an archive at all" * 9, "does not end as a ZIP file"),
    "empty archive": (lambda: b"PK\5\6" + bytes(18), "0 entries"),
    "cut off": (lambda: sound()[:-9], "does not end as a ZIP file"),
    "cut in front": (lambda: sound()[9:], "do not add up"),
    "data in front": (lambda: b"#!/bin/sh\n" + sound(), "do not add up"),
    "data behind": (lambda: sound() + b"more", "does not end as a ZIP file"),
    "newline behind": (lambda: sound() + b"\n", "does not end as a ZIP file"),
    "data between": (gap, "do not end where its list"),
    "second end": (lambda: sound() + sound()[-22:], "do not add up"),
    "two archives": (lambda: sound() + sound(), "do not add up"),
    "end in a comment": (
        lambda: Forgery().bytes()[:-2] + b"\x16\0" + sound()[-22:],
        "do not add up",
    ),
    "comment": (lambda: zipped(contents(sound()), method=0, comment=b"hi"), "does not end"),
    "lying comment": (end(comment=7), "has a comment"),
    "several disks": (end(disk=1), "several parts"),
    "several parts": (end(count=9), "several parts"),
    "fewer told": (end(count=3, count_here=3), "more in its list|do not end"),
    "more told": (end(count=5, count_here=5), "list of entries is broken"),
    "offset told": (end(offset=0), "do not add up"),
    "size told": (end(size=9), "do not add up"),
    "ZIP64 count": (zip64, "ZIP64"),
    "ZIP64 offset": (end(offset=0xFFFFFFFF), "ZIP64"),
    "ZIP64 locator": (zip64_locator, "do not add up"),
    "ZIP64 sizes": (zip64_sizes, "ZIP64"),
    # Too much
    "bomb": (bomb, "is compressed"),
    "42.zip": (forty_two, "is compressed"),
    "10⁶ entries": (million_entries, "ZIP64"),
    "10⁶ entries told as few": (million_entries_told_as_few, "list of 9 entries has"),
    "many entries": (many_entries, "10500 entries"),
    "deep JSON": (deep_json, "too many values"),
    "wide JSON": (wide_json, "too many values"),
    "huge JSON": (huge_json, "more than 4194304 bytes"),
    "long number": (long_number, "manifest.json is not"),
    "wide spec": (wide_spec, "too many values"),
    "as many texts as there may be": (
        lambda: sound(spec=b'{"tasks":[' + b",".join(b'"%x"' % i for i in range(290_000)) + b"]}"),
        "not the spec of a flow",
    ),
    "as many keys as there may be": (
        lambda: sound(spec=b"{" + b",".join(b'"%x":[]' % i for i in range(95_000)) + b"}"),
        "not the spec of a flow",
    ),
    "as many objects as there may be": (
        lambda: sound(spec=b'{"tasks":[' + b",".join([b'{"a":1}'] * 95_000) + b"]}"),
        "not the spec of a flow",
    ),
    # The manifest and the spec
    "packed by others": (lambda: zipped(contents(sound()), method=0), "is not a file"),
    "nested": (lambda: zipped({"daily.zip": sound()}, method=0), "is not a file"),
    "nested in the layout": (lambda: packed({"daily.zip": sound()}), "first entry is not"),
    "nested among sources": (name_of("src/inner.ZIP"), "an archive in the archive"),
    "no manifest": (lambda: packed(SOURCES), "first entry is not manifest.json"),
    "manifest not first": (
        lambda: packed(dict(reversed(contents(sound()).items()))),
        "first entry is not manifest.json",
    ),
    "only a manifest": (
        lambda: packed({"manifest.json": contents(sound())["manifest.json"]}),
        "'flow.json' is missing",
    ),
    "other JSON": (lambda: with_manifest(b"{}"), "not that of a dagy artifact"),
    "no object": (lambda: with_manifest(b"[]"), "not a JSON object"),
    "no JSON": (lambda: with_manifest(b"\x80\x04."), "is not UTF-8"),
    "broken JSON": (lambda: with_manifest(b'{"format": '), "is not JSON"),
    "newer format": (lambda: with_document(format_version=2), "a newer dagy reads"),
    "field of a wrong type": (lambda: with_document(files={}), "of a wrong type"),
    "flow of a wrong type": (lambda: with_document(flow=[1]), "of a wrong type"),
    "size of a wrong type": (
        lambda: with_document(files=[{"path": "a", "size_bytes": True, "sha256": "0" * 64}]),
        "of a wrong type",
    ),
    "negative size": (
        lambda: with_document(files=[{"path": "a", "size_bytes": -1, "sha256": "0" * 64}]),
        "of a wrong type",
    ),
    "no hash": (
        lambda: with_document(files=[{"path": "a", "size_bytes": 1, "sha256": "0"}]),
        "of a wrong type",
    ),
    "odd Python": (lambda: with_document(python="3"), "of a wrong type"),
    "unknown field": (lambda: with_document(more=1), "not written as dagy writes it"),
    "content hash": (lambda: with_document(content_hash="0" * 64), "not that of its content"),
    "other spelling": (
        lambda: with_manifest(contents(sound())["manifest.json"] + b" "),
        "not written as dagy writes it",
    ),
    "key twice": (
        lambda: with_manifest(contents(sound())["manifest.json"].replace(b"{", b'{"format":1,', 1)),
        "not written as dagy writes it",
    ),
    "file not listed": (
        lambda: packed({**contents(sound()), "src/evil.py": b""}),
        "does not list 'src/evil.py'",
    ),
    "file missing": (
        lambda: packed(dict(list(contents(sound()).items())[:-1])),
        "'src/sql/load.sql' is missing",
    ),
    "files in another order": (
        lambda: sound(dict(reversed(SOURCES.items()))),
        "the sources in order",
    ),
    "content changed": (changed_content, "another SHA-256"),
    "content of another size": (
        lambda: packed({**contents(sound()), "src/etl.py": b"import os\n\n"}),
        "with other sizes",
    ),
    "outside the sources": (
        lambda: sound({"evil.py": b"", "src/etl.py": b""}),
        "'evil.py' is not in src/",
    ),
    "no file of the flow": (lambda: sound(entry_path="src/absent.py"), "not among its sources"),
    "flow in no code": (lambda: sound(entry_path="src/sql/load.sql"), "not among its sources"),
    "flow without a name": (lambda: sound(entry_flow=""), "has no name"),
    "requirements elsewhere": (lambda: sound(requirements=("/etc/passwd",)), "requirements is not"),
    "spec of another flow": (lambda: sound(flow_name="nightly"), "different flows"),
    "spec of another version": (lambda: sound(flow_version="2"), "different flows"),
    "no spec": (lambda: sound(spec=b"{}"), "not the spec of a flow"),
    "spec is a pickle": (lambda: sound(spec=b"cos\nsystem\n"), "not the spec of a flow"),
    "deep spec": (lambda: sound(spec=b"[" * 140_000 + b"]" * 140_000), "it is too deep"),
    "spec with a cycle": (cyclic_spec, "has a cycle"),
    "other spelling of the spec": (lambda: sound(spec=SPEC_JSON + b" "), "not written as dagy"),
    "field of the spec": (
        lambda: sound(spec=SPEC_TEXT.replace('"code_hash":null', '"code_hash":[1]').encode()),
        "field of a wrong type",
    ),
    "spec changed": (
        lambda: packed({**contents(sound()), "flow.json": SPEC_JSON.replace(b'"a"', b'"b"')}),
        "'flow.json' has another SHA-256",
    ),
}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with each archive of the corpus."""
    directory = tmp_path_factory.mktemp("corpus")
    for number, (make, _) in enumerate(CORPUS.values()):
        (directory / f"{number}.zip").write_bytes(make())
    yield directory
    for path in directory.iterdir():
        path.unlink()


def archive_of(archives: Path, kind: str) -> Path:
    return archives / f"{list(CORPUS).index(kind)}.zip"


def test_the_sound_archive_from_which_the_corpus_starts_is_unpacked(tmp_path: Path) -> None:
    assert Forgery().bytes() == sound()
    (tmp_path / "flow.zip").write_bytes(sound())
    with open_artifact(tmp_path / "flow.zip") as artifact:
        artifact.unpack(tmp_path / "there")
    assert (tmp_path / "there/src/sql/load.sql").read_bytes() == SOURCES["src/sql/load.sql"]


def test_the_corpus_has_what_was_promised() -> None:
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("kind", CORPUS)
def test_a_forged_archive_is_refused_with_a_reason_and_writes_nothing(
    kind: str, archives: Path, tmp_path: Path
) -> None:
    """SEC-11."""
    target = tmp_path / "inner" / "target"
    target.parent.mkdir()
    with (
        pytest.raises(ArtifactError) as caught,
        open_artifact(archive_of(archives, kind)) as artifact,
    ):
        artifact.unpack(target)
    reason = caught.value.message.partition(" is refused: ")[2]
    assert re.search(CORPUS[kind][1], reason), reason
    assert reason.isprintable()
    assert len(reason) < 600
    assert [str(path) for path in tmp_path.rglob("*")] == [str(target.parent)]


MEASURE = """
import sys, time
from pathlib import Path
from dagy.artifacts import open_artifact
from dagy_types.errors import ArtifactError

slowest = 0.0
for path in sorted(Path(sys.argv[1]).iterdir()):
    started = time.perf_counter()
    try:
        with open_artifact(path) as artifact:
            artifact.unpack(sys.argv[2])
    except ArtifactError:
        slowest = max(slowest, time.perf_counter() - started)
    else:
        sys.exit(f"{path} is taken")
status = Path("/proc/self/status")
if status.exists():  # since this program started; the other way counts its parent's memory, too
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    kib = int(peak.split()[1])
else:
    import resource
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(slowest, kib / 1024)
"""


def test_to_refuse_them_all_takes_little_time_and_memory(archives: Path, tmp_path: Path) -> None:
    """SEC-11: at most 2 s each, and 64 MiB with Python itself."""
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE, str(archives), str(tmp_path / "target")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    seconds, mebibytes = map(float, ended.stdout.split())
    assert seconds <= 2
    assert mebibytes <= 64
