from __future__ import annotations

import hashlib
import http.client
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from dagy_server import Settings, create_app
from dagy_server.artifact_storage.opening import open_storage
from dagy_server.database.schema import artifacts, audit_log
from dagy_server.services import Services

_CONTENT = bytes(range(256)) * 5000
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()
_LIMIT = 2 * 1024 * 1024
_UNKNOWN = "art_zzzzzzzzzzzzzzzzzzzz"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_artifact_bytes=_LIMIT)


def _upload(client: Any, member: Any, content: Any = _CONTENT, **headers: str) -> Any:
    digest = hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else _SHA256
    all_headers = {**member.headers, "X-Content-SHA256": digest, **headers}
    return client.post("/artifacts", content=content, headers=all_headers)


def _rows(services: Services) -> list[Any]:
    with services.database.reading() as connection:
        return list(connection.execute(select(artifacts)))


def _files(settings: Settings) -> list[Path]:
    directory = settings.data_directory / "artifacts"
    return [path for path in directory.rglob("*") if path.is_file()]


@pytest.fixture
def artifact_id(client: TestClient, owner: Any) -> str:
    found = _upload(client, owner).json()["artifact_id"]
    assert isinstance(found, str)
    return found


# Uploads


def test_an_artifact_is_uploaded_and_downloaded(
    client: TestClient, owner: Any, settings: Settings
) -> None:
    answer = _upload(client, owner)
    assert answer.status_code == 201
    document = answer.json()
    assert document == {
        "artifact_id": document["artifact_id"],
        "sha256": _SHA256,
        "size_bytes": len(_CONTENT),
        "created_at": "2026-11-01T12:00:00.000000Z",
    }
    found = client.get(f"/artifacts/{document['artifact_id']}", headers=owner.headers)
    assert found.content == _CONTENT
    assert [path.name for path in _files(settings)] == [_SHA256]


def test_an_artifact_is_found_by_its_hash(client: TestClient, owner: Any) -> None:
    document = _upload(client, owner).json()
    for sha256 in (_SHA256, _SHA256.upper()):
        found = client.get(f"/artifacts/by-sha256/{sha256}", headers=owner.headers)
        assert (found.status_code, found.json()) == (200, document)
    for sha256 in ("0" * 64, "abc"):
        answer = client.get(f"/artifacts/by-sha256/{sha256}", headers=owner.headers)
        assert answer.status_code == 404


def test_an_upload_may_come_in_pieces_and_be_empty(client: TestClient, owner: Any) -> None:
    pieces = (_CONTENT[start : start + 7001] for start in range(0, len(_CONTENT), 7001))
    assert _upload(client, owner, pieces).json()["sha256"] == _SHA256
    empty = _upload(client, owner, b"").json()
    assert empty["size_bytes"] == 0
    found = client.get(f"/artifacts/{empty['artifact_id']}", headers=owner.headers)
    assert (found.status_code, found.content) == (200, b"")


def test_the_same_bytes_are_kept_once_in_an_organisation(
    client: TestClient, owner: Any, developer: Any, other_organisation: Any, settings: Settings
) -> None:
    first = _upload(client, owner)
    again = _upload(client, developer, **{"X-Content-SHA256": _SHA256.upper()})
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(_files(settings)) == 1
    other = _upload(client, other_organisation)
    assert other.status_code == 201
    assert other.json()["artifact_id"] != first.json()["artifact_id"]


def test_a_hash_that_lies_leaves_nothing_behind(
    client: TestClient, owner: Any, settings: Settings, services: Services
) -> None:
    answer = _upload(client, owner, **{"X-Content-SHA256": "0" * 64})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "artifact"
    assert (_rows(services), _files(settings)) == ([], [])


@pytest.mark.parametrize("digest", ["", "x", "0" * 63, "g" * 64, "0" * 65, None])
def test_a_hash_that_is_none_is_refused(client: TestClient, owner: Any, digest: str | None) -> None:
    headers = owner.headers if digest is None else {**owner.headers, "X-Content-SHA256": digest}
    answer = client.post("/artifacts", content=b"abc", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == "header.X-Content-SHA256"


def test_an_upload_has_so_many_bytes_and_not_one_more_sec_04(
    client: TestClient, owner: Any, settings: Settings, services: Services
) -> None:
    assert _upload(client, owner, b"x" * _LIMIT).status_code == 201
    for content in (b"x" * (_LIMIT + 1), iter([b"x" * _LIMIT, b"x"])):
        answer = _upload(client, owner, content)
        assert answer.status_code == 413
        assert answer.json()["error"]["hint"] == f"Send up to {_LIMIT} bytes."
    assert (len(_rows(services)), len(_files(settings))) == (1, 1)


def test_a_disk_that_is_full_leaves_nothing_behind(
    client: TestClient,
    owner: Any,
    settings: Settings,
    services: Services,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        answer = _upload(client, owner)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == "The server cannot keep artifacts: File too large."
    assert (_rows(services), _files(settings)) == ([], [])
    caplog.clear()  # it is the server's own fault, and it says so
    assert _upload(client, owner).status_code == 201


def test_the_same_key_with_other_bytes_is_refused_http_03(
    client: TestClient, owner: Any, services: Services
) -> None:
    key = {"Idempotency-Key": "k"}
    first = _upload(client, owner, **key)
    again = _upload(client, owner, **key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _upload(client, owner, b"other", **key).status_code == 422
    assert len(_rows(services)) == 1


def test_each_upload_is_audited_orch_20(client: TestClient, owner: Any, services: Services) -> None:
    artifact_id = _upload(client, owner).json()["artifact_id"]
    _upload(client, owner)
    with services.database.reading() as connection:
        rows = connection.execute(select(audit_log)).all()
    assert [(row.action, row.target) for row in rows] == [("artifact.uploaded", artifact_id)] * 2
    assert [row.details["is_new"] for row in rows] == [True, False]


def test_to_upload_needs_a_permission(client: TestClient, viewer: Any, settings: Settings) -> None:
    assert _upload(client, viewer).status_code == 403
    assert _files(settings) == []


# Downloads


def test_a_download_is_safe_in_a_browser_sec_16(client: TestClient, owner: Any) -> None:
    for page in (b"<script>alert(1)</script>", b'<svg onload="alert(1)"/>'):
        artifact_id = _upload(client, owner, page).json()["artifact_id"]
        headers = client.get(f"/artifacts/{artifact_id}", headers=owner.headers).headers
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"] == f'attachment; filename="{artifact_id}"'
        assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_download_says_what_it_is(client: TestClient, owner: Any, artifact_id: str) -> None:
    answer = client.get(f"/artifacts/{artifact_id}", headers=owner.headers)
    assert answer.headers["ETag"] == f'"{_SHA256}"'
    assert answer.headers["X-Content-SHA256"] == _SHA256
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(_CONTENT))


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=700000-", 700_000, 1_280_000), ("bytes=-5", -5, 1_280_000)],
)
@pytest.mark.parametrize("more", [{}, {"If-Range": f'"{_SHA256}"'}])
def test_a_part_is_downloaded(
    client: TestClient, owner: Any, artifact_id: str, wanted: str, start: int, stop: int, more: Any
) -> None:
    headers = {**owner.headers, "Range": wanted, **more}
    answer = client.get(f"/artifacts/{artifact_id}", headers=headers)
    assert answer.status_code == 206
    assert answer.content == _CONTENT[start:stop]
    first = start % len(_CONTENT)
    assert answer.headers["Content-Range"] == f"bytes {first}-{stop - 1}/{len(_CONTENT)}"
    assert answer.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize(
    "headers",
    [{"Range": "bytes=0-9", "If-Range": '"other"'}, {"Range": "bytes=0-1,4-5"}, {"Range": "x"}],
)
def test_all_is_downloaded_where_no_part_can_be(
    client: TestClient, owner: Any, artifact_id: str, headers: Any
) -> None:
    answer = client.get(f"/artifacts/{artifact_id}", headers={**owner.headers, **headers})
    assert (answer.status_code, answer.content) == (200, _CONTENT)


def test_a_part_that_is_not_there_is_refused(
    client: TestClient, owner: Any, artifact_id: str
) -> None:
    headers = {**owner.headers, "Range": f"bytes={len(_CONTENT)}-"}
    answer = client.get(f"/artifacts/{artifact_id}", headers=headers)
    assert answer.status_code == 416
    assert answer.json()["error"]["code"] == "range"


def test_what_a_client_has_is_not_sent_again(
    client: TestClient, owner: Any, artifact_id: str
) -> None:
    for known in (f'"{_SHA256}"', f'"x", W/"{_SHA256}"', "*"):
        headers = {**owner.headers, "If-None-Match": known}
        answer = client.get(f"/artifacts/{artifact_id}", headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
    headers = {**owner.headers, "If-None-Match": '"other"'}
    assert client.get(f"/artifacts/{artifact_id}", headers=headers).status_code == 200


def test_bytes_that_are_gone_are_told(
    client: TestClient, owner: Any, artifact_id: str, settings: Settings
) -> None:
    for path in _files(settings):
        path.unlink()
    answer = client.get(f"/artifacts/{artifact_id}", headers=owner.headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "The bytes of this artifact are missing."
    assert _upload(client, owner).json()["artifact_id"] == artifact_id  # and it is whole again
    assert client.get(f"/artifacts/{artifact_id}", headers=owner.headers).content == _CONTENT


@pytest.mark.parametrize(
    "path",
    [
        _UNKNOWN,
        "x" * 3000,
        "../server.lock",
        "%2e%2e%2fsecret.key",
        "..%2fsecret.key",
        "..%5csecret.key",
        "..%255csecret.key",
        "%252e%252e%252fsecret.key",
        "%c0%ae%c0%ae%c0%afsecret.key",
        "%00",
        "uploads",
        _SHA256,
    ],
)
def test_no_path_leads_to_another_file_sec_16(
    client: TestClient, owner: Any, artifact_id: str, path: str
) -> None:
    answer = client.get(f"/artifacts/{path}", headers=owner.headers)
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["code"] in ("not_found", "method")


# Past the server


def test_a_directory_takes_no_uploads_past_the_server(client: TestClient, owner: Any) -> None:
    body = {"sha256": _SHA256, "size_bytes": 5}
    answer = client.post("/artifacts/uploads", json=body, headers=owner.headers)
    assert answer.status_code == 404
    assert answer.json()["error"]["hint"] == "Use POST /artifacts."


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"size_bytes": 5}, "body.sha256"),
        ({"sha256": "x", "size_bytes": 5}, "body.sha256"),
        ({"sha256": _SHA256}, "body.size_bytes"),
        ({"sha256": _SHA256, "size_bytes": -1}, "body.size_bytes"),
        ({"sha256": _SHA256, "size_bytes": "5"}, "body.size_bytes"),
        ({"sha256": _SHA256, "size_bytes": 5, "id": "art_x"}, "body.id"),
    ],
)
def test_each_field_is_checked_sec_03(client: TestClient, owner: Any, body: Any, path: str) -> None:
    answer = client.post("/artifacts/uploads", json=body, headers=owner.headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["fields"][0]["path"] == path


@pytest.fixture
def bucket(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    boto3 = pytest.importorskip("boto3", reason="the extra s3 is not installed")
    moto_server = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    bucket = boto3.resource("s3").Bucket("dagy")
    bucket.create()
    yield bucket
    bucket.objects.all().delete()
    server.stop()


def test_an_upload_goes_past_the_server_where_artifacts_are_in_s3(
    bucket: Any, app: FastAPI, client: TestClient, owner: Any, services: Services
) -> None:
    storage = open_storage("s3://dagy/kept", scratch=services.settings.data_directory / "uploads")
    app.state.services = replace(services, artifacts=storage)
    body = {"sha256": _SHA256, "size_bytes": len(_CONTENT)}

    def ask() -> Any:
        return client.post("/artifacts/uploads", json=body, headers=owner.headers)

    too_large = {**body, "size_bytes": _LIMIT + 1}
    answer = client.post("/artifacts/uploads", json=too_large, headers=owner.headers)
    assert answer.status_code == 413
    first = ask()
    assert (first.status_code, first.json()["artifact"]) == (200, None)
    upload = first.json()["upload"]
    with httpx.Client(trust_env=False) as http:
        sent = http.put(upload["url"], content=_CONTENT, headers=upload["headers"])
    assert sent.status_code == 200
    made = ask()
    assert (made.status_code, made.json()["upload"]) == (201, None)
    artifact_id = made.json()["artifact"]["artifact_id"]
    again = ask()
    assert (again.status_code, again.json()) == (200, made.json())
    found = client.get(f"/artifacts/{artifact_id}", headers={**owner.headers, "Range": "bytes=-3"})
    assert (found.status_code, found.content) == (206, _CONTENT[-3:])
    direct = _upload(client, owner, b"abc")
    assert direct.status_code == 201
    path = f"/artifacts/{direct.json()['artifact_id']}"
    assert client.get(path, headers=owner.headers).content == b"abc"


# On a real connection


@contextmanager
def _live(app: FastAPI) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.mark.parametrize("has_length", [True, False])
def test_an_upload_that_stops_half_way_leaves_nothing_behind(
    client: TestClient,
    app: FastAPI,
    owner: Any,
    settings: Settings,
    services: Services,
    has_length: bool,
) -> None:
    with _live(app) as url:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.putrequest("POST", "/artifacts")
        for name, value in {**owner.headers, "X-Content-SHA256": _SHA256}.items():
            connection.putheader(name, value)
        if has_length:
            connection.putheader("Content-Length", str(len(_CONTENT)))
            connection.endheaders()
            connection.send(_CONTENT[: len(_CONTENT) // 2])
        else:
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            connection.send(b"8\r\n12345678\r\n8\r\n123")
        _wait_until(lambda: len(_files(settings)) == 1)  # it is on its way
        connection.close()
        _wait_until(lambda: _files(settings) == [])
    assert _rows(services) == []


def test_a_large_upload_does_not_fill_the_memory(
    client: TestClient, app: FastAPI, owner: Any, services: Services
) -> None:
    size = 64 * 1024 * 1024
    app.state.services = replace(
        services, settings=replace(services.settings, max_artifact_bytes=size)
    )
    piece = b"x" * 65_536
    digest = hashlib.sha256()
    for _ in range(size // len(piece)):
        digest.update(piece)
    headers = {**owner.headers, "X-Content-SHA256": digest.hexdigest(), "Content-Length": str(size)}
    with _live(app) as url, httpx.Client(timeout=60, trust_env=False) as http:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        content = (piece for _ in range(size // len(piece)))
        answer = http.post(f"{url}/artifacts", content=content, headers=headers)
        assert answer.status_code == 201
        artifact_id = answer.json()["artifact_id"]
        received = 0
        with http.stream("GET", f"{url}/artifacts/{artifact_id}", headers=owner.headers) as answer:
            for part in answer.iter_raw():
                received += len(part)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert received == size
    assert grown < 32 * 1024  # kilobytes


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_killed_server_was_receiving_is_removed_in_time(
    settings: Settings, tmp_path: Path, clock: Any
) -> None:
    incoming = settings.data_directory / "artifacts" / "incoming"
    incoming.mkdir(parents=True)
    old = incoming / "old.part"
    old.touch()
    os.utime(old, (0, 0))
    create_app(settings, clock=clock).state.services.close()
    assert not old.exists()
