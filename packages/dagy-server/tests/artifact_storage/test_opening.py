from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagy_server.artifact_storage import DirectoryStorage, UploadStorage
from dagy_server.artifact_storage.opening import open_storage
from dagy_types.errors import ConfigError, StoreError


def test_a_file_url_is_a_directory(tmp_path: Path) -> None:
    directory = tmp_path / "with a space"
    storage = open_storage(directory.as_uri(), scratch=tmp_path / "scratch")
    assert isinstance(storage, DirectoryStorage)
    assert directory.is_dir()


def test_an_s3_url_is_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    storage = open_storage("s3://bucket/some/prefix", scratch=tmp_path)
    assert isinstance(storage, UploadStorage)


@pytest.mark.parametrize(
    "url",
    ["", "/tmp", "file:", "file://host/x", "file:///", "s3:", "s3:///x", "ftp://x/y", "http://["],
)
def test_any_other_url_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_storage(url, scratch=tmp_path)
    assert caught.value.hint == "Give file:///path or s3://BUCKET/PREFIX."


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be used"):
        open_storage((tmp_path / "file" / "inside").as_uri(), scratch=tmp_path)


def test_s3_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError) as caught:
        open_storage("s3://bucket", scratch=tmp_path)
    assert caught.value.hint == "Run: pip install 'dagy-server[s3]'"


def test_s3_that_cannot_be_set_up_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "no url")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(ConfigError, match="S3 cannot be set up"):
        open_storage("s3://bucket", scratch=tmp_path)
