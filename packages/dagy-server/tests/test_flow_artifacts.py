"""SEC-11, SEC-14: what is registered as the code of a flow is an archive of that flow."""

from __future__ import annotations

import io
import stat
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from dagy_server import Settings
from dagy_server.database.schema import flows
from dagy_server.services import Services


def _register(client: TestClient, member: Any, packed: Any, artifact_id: str) -> Any:
    body = {"flow_spec": packed.flow_spec, "artifact_id": artifact_id}
    return client.post("/flows", json=body, headers=member.headers)


def test_an_artifact_is_read_and_nothing_in_it_is_imported_sec_14(
    client: TestClient,
    owner: Any,
    pack: Callable[..., Any],
    upload: Callable[..., str],
    settings: Settings,
) -> None:
    packed = pack()
    artifact_id = upload(owner, packed.content)
    before = {path for path in settings.data_directory.rglob("*") if path.is_file()}
    known = set(sys.modules)
    answer = _register(client, owner, packed, artifact_id)
    assert (answer.status_code, answer.json()["artifact_id"]) == (201, artifact_id)
    assert not packed.canary.exists()
    assert "packed" not in set(sys.modules) - known
    after = {path for path in settings.data_directory.rglob("*") if path.is_file()}
    assert after == before  # what it was copied to is gone


def _zipped(*entries: tuple[str, bytes, int], data: bytes = b"") -> bytes:
    """Return a ZIP file as any tool writes it."""
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as archive:
        for name, content, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return file.getvalue()


_FILE = stat.S_IFREG | 0o644


def _with_link(content: bytes) -> bytes:
    return _zipped(("src/link.py", b"/etc/passwd", stat.S_IFLNK | 0o777), data=content)


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "no archive": lambda content: b"#!/bin/sh\nrm -rf /\n" * 100,
    "any other archive": lambda content: _zipped(("etl.py", b"x = 1\n", _FILE)),
    "a path that leads out": lambda content: _zipped(("../../etc/cron.d/x", b"*", _FILE)),
    "an entry more": lambda content: _zipped(("src/more.py", b"x = 1\n", _FILE), data=content),
    "a link": _with_link,
    "cut": lambda content: content[:-1],
    "something before it": lambda content: b"#!/bin/sh\n" + content,
    "something after it": lambda content: content + b"\n",
    "another byte in a source": lambda content: content.replace(b"return 1", b"return 7"),
    "another byte in the graph": lambda content: content.replace(
        b'"task_id":"load"', b'"task_id":"lead"'
    ),
    "twice the same": lambda content: content + content,
}


@pytest.mark.parametrize("case", SPOILED)
def test_anything_else_is_refused_with_its_reason_sec_11(
    case: str,
    client: TestClient,
    owner: Any,
    pack: Callable[..., Any],
    upload: Callable[..., str],
    services: Services,
) -> None:
    packed = pack()
    content = SPOILED[case](packed.content)
    assert content != packed.content
    artifact_id = upload(owner, content)
    answer = _register(client, owner, packed, artifact_id)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["message"].startswith(f"Artifact {artifact_id!r}: The file is refused: ")
    assert error["hint"]
    with services.database.reading() as connection:
        assert connection.execute(flows.select()).all() == []


def test_an_artifact_of_other_code_is_refused(
    client: TestClient, owner: Any, pack: Callable[..., Any], upload: Callable[..., str]
) -> None:
    one, two = pack(1), pack(2)
    answer = _register(client, owner, one, upload(owner, two.content))
    assert answer.status_code == 422
    assert "holds another flow or graph than 'packed'" in answer.json()["error"]["message"]
