"""On a real server that speaks S3: moto's, in a thread."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dagy_server.artifact_storage.s3 import S3Storage
from dagy_types.errors import ArtifactError, NetworkError

boto3 = pytest.importorskip("boto3", reason="the extra s3 is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")

_CONTENT = b"archive" * 100_000
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    bucket = boto3.resource("s3").Bucket("dagy")
    bucket.create()
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()


@pytest.fixture
def storage(bucket: Any, tmp_path: Path) -> S3Storage:
    return S3Storage("dagy", prefix="/some/prefix/", scratch=tmp_path / "scratch")


def _keys(bucket: Any) -> list[str]:
    return sorted(each.key for each in bucket.objects.all())


def _keep(storage: S3Storage) -> None:
    with storage.receive() as file:
        file.write(_CONTENT)
        storage.publish("org_a", file.finish())


def _send(storage: S3Storage, content: bytes, sha256: str, size: int) -> int:
    upload = storage.presign("org_a", sha256, size)
    headers = {**upload.headers, "Content-Length": str(len(content))}
    with httpx.Client(trust_env=False) as http:
        return http.put(upload.url, content=content, headers=headers).status_code


def test_what_is_published_is_read_back(storage: S3Storage, bucket: Any, tmp_path: Path) -> None:
    _keep(storage)
    assert _keys(bucket) == [f"some/prefix/org_a/{_SHA256}"]
    size = len(_CONTENT)
    assert b"".join(storage.read("org_a", _SHA256, start=0, stop=size)) == _CONTENT
    assert b"".join(storage.read("org_a", _SHA256, start=7, stop=9)) == b"ar"
    assert b"".join(storage.read("org_a", _SHA256, start=7, stop=7)) == b""
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_prefix_may_be_empty(bucket: Any, tmp_path: Path) -> None:
    _keep(S3Storage("dagy", prefix="", scratch=tmp_path))
    assert _keys(bucket) == [f"org_a/{_SHA256}"]


def test_bytes_that_are_missing_are_told_at_once(storage: S3Storage) -> None:
    with pytest.raises(ArtifactError, match="missing"):
        storage.read("org_a", _SHA256, start=0, stop=1)


def test_what_a_client_sends_past_the_server_is_checked_and_kept(
    storage: S3Storage, bucket: Any
) -> None:
    assert not storage.accept("org_a", _SHA256, len(_CONTENT))
    assert _send(storage, _CONTENT, _SHA256, len(_CONTENT)) == 200
    assert _keys(bucket) == [f"some/prefix/incoming/org_a/{_SHA256}"]
    assert storage.accept("org_a", _SHA256, len(_CONTENT))
    assert _keys(bucket) == [f"some/prefix/org_a/{_SHA256}"]
    assert not storage.accept("org_a", _SHA256, len(_CONTENT))


@pytest.mark.parametrize("content", [b"other" * 140_000, b"short", b""])
def test_other_bytes_than_were_announced_are_removed(
    storage: S3Storage, bucket: Any, content: bytes
) -> None:
    # Amazon refuses them by the checksum that is signed; a server that does not is no danger.
    bucket.put_object(Key=f"some/prefix/incoming/org_a/{_SHA256}", Body=content)
    with pytest.raises(ArtifactError, match="not those that were announced"):
        storage.accept("org_a", _SHA256, len(_CONTENT))
    assert _keys(bucket) == []


def test_an_upload_url_names_what_may_be_sent_and_does_not_show(storage: S3Storage) -> None:
    upload = storage.presign("org_a", _SHA256, 7)
    assert "X-Amz-Expires=900" in upload.url
    for header in ("content-length", "x-amz-checksum-sha256"):
        assert header in upload.url
    assert upload.headers["Content-Length"] == "7"
    assert upload.url not in repr(upload)


def test_storage_that_does_not_answer_is_an_error(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    storage = S3Storage("dagy", prefix="", scratch=tmp_path)
    with pytest.raises(NetworkError, match="does not answer"):
        storage.accept("org_a", _SHA256, 1)
    with pytest.raises(NetworkError, match="does not answer"):
        _keep(storage)


def test_storage_that_refuses_is_an_error(bucket: Any, tmp_path: Path) -> None:
    storage = S3Storage("another-bucket", prefix="", scratch=tmp_path)
    with pytest.raises(NetworkError, match="does not answer"):
        storage.accept("org_a", _SHA256, 1)
