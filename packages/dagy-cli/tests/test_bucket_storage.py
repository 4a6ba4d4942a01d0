"""Against moto's server: S3 as it is spoken over HTTP."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from dagy import build_artifact
from dagy.deploy import Archive, ArtifactPlace, read_archive
from dagy_cli.bucket_storage import BucketStorage, bucket_storage
from dagy_client.testing import AnsweredInstead, FakeServer
from dagy_types.errors import AuthError, ConfigError, NetworkError, PermissionDeniedError

BUCKET = "our-artifacts"


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def aws(s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the account of whoever runs the tests counts."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def bucket() -> Iterator[Any]:
    bucket = boto3.resource("s3", region_name="us-east-1").Bucket(BUCKET)
    bucket.create()
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()


@pytest.fixture
def archive(flow_file: Path, tmp_path: Path) -> Archive:
    return read_archive(build_artifact(f"{flow_file}:good", tmp_path / "good.zip"))


@pytest.mark.usefixtures("bucket")
def test_an_archive_is_kept_by_its_hash(archive: Archive) -> None:
    storage, seen = BucketStorage(BUCKET, region="us-east-1"), []
    assert storage.find(archive) is None
    place = storage.upload(archive, lambda *each: seen.append(each))
    assert place == ArtifactPlace(s3_uri=f"s3://{BUCKET}/artifacts/{archive.sha256}.zip")
    assert seen == [(archive.size_bytes, archive.size_bytes)]
    assert storage.find(archive) == place


def test_other_bytes_in_its_place_are_not_it(archive: Archive, bucket: Any) -> None:
    storage = BucketStorage(BUCKET, region="us-east-1")
    bucket.put_object(Key=f"artifacts/{archive.sha256}.zip", Body=b"other")
    assert storage.find(archive) is None
    storage.upload(archive, None)
    assert storage.find(archive) is not None


def test_no_variable_is_no_bucket() -> None:
    assert bucket_storage({}) is None
    assert bucket_storage({"DAGY_ARTIFACT_BUCKET": ""}) is None


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-north-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({}, "us-east-1"),
    ],
)
def test_the_region_is_found_in_the_published_order(environ: dict[str, str], region: str) -> None:
    storage = bucket_storage({"DAGY_ARTIFACT_BUCKET": BUCKET, **environ})
    assert storage is not None
    assert storage._client.meta.region_name == region


def test_a_bucket_that_is_not_there_is_told(archive: Archive) -> None:
    storage = BucketStorage("none-of-ours", region="us-east-1")
    with pytest.raises(ConfigError, match="There is no bucket none-of-ours"):
        storage.upload(archive, None)


def test_a_name_that_no_bucket_has_is_told(archive: Archive) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a bucket"):
        BucketStorage("a/b c", region="us-east-1").find(archive)


def test_without_credentials_it_is_told(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AuthError, match=f"no credentials for the bucket {BUCKET}"):
        BucketStorage(BUCKET, region="us-east-1").find(archive)


def test_a_bucket_that_cannot_be_reached_is_told(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(NetworkError, match=f"The bucket {BUCKET} cannot be reached"):
        BucketStorage(BUCKET, region="us-east-1").find(archive)


@pytest.mark.parametrize(
    ("status", "error"), [(403, PermissionDeniedError), (500, NetworkError), (400, NetworkError)]
)
def test_a_refusal_is_told(
    status: int, error: type[Exception], archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = FakeServer()  # anything that answers so
    server.faults.extend([AnsweredInstead(status)] * 9)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with server.listening() as url:
        # A HEAD has no body, so that only its status tells.
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        with pytest.raises(error, match=BUCKET):
            BucketStorage(BUCKET, region="us-east-1").find(archive)


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError) as caught:
        bucket_storage({"DAGY_ARTIFACT_BUCKET": BUCKET})
    assert caught.value.hint == "Run: pip install 'dagy-cli[s3]'"


# The command


def test_a_flow_is_registered_with_the_uri_of_its_archive_and_once(
    dagy: Callable[..., Any],
    archive: Archive,
    api_server: FakeServer,
    bucket: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGY_ARTIFACT_BUCKET", BUCKET)
    words = ("deploy", str(archive.path), "--format", "json")
    assert json.loads(dagy(*words, "--dry-run").out)["is_uploaded"] is False
    assert list(bucket.objects.all()) == []
    document = json.loads(dagy(*words).out)
    (kept,) = bucket.objects.all()
    assert kept.get()["Body"].read() == archive.path.read_bytes()
    uri = f"s3://{BUCKET}/{kept.key}"
    assert (document["artifact_s3_uri"], document["artifact_id"]) == (uri, None)
    with api_server.client() as client:
        assert client.flows.get("good").artifact_s3_uri == uri
    assert json.loads(dagy(*words).out)["is_changed"] is False
    asked = [f"{each.method} {each.path}" for each in api_server.requests]
    assert asked.count("POST /flows") == 1
    assert "POST /artifacts" not in asked


@pytest.mark.usefixtures("bucket")
def test_a_server_that_reads_from_no_bucket_is_told_of(
    dagy: Callable[..., Any],
    archive: Archive,
    api_server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGY_ARTIFACT_BUCKET", BUCKET)
    refusal = {
        "error": {"code": "invalid_fields", "message": "body.artifact_s3_uri: no.", "hint": ""}
    }
    fault = AnsweredInstead(422, json.dumps(refusal).encode(), {"Content-Type": "application/json"})
    api_server.faults.extend([None, None, None, fault])
    ended = dagy("deploy", str(archive.path))
    assert (ended.code, ended.out) == (2, "")
    assert "unset DAGY_ARTIFACT_BUCKET" in ended.err
