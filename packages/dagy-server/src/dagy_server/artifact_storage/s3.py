"""Artifacts as objects of a bucket in S3-compatible storage; needs the extra ``s3``.

Credentials, region and endpoint are found as boto3 finds them: ``AWS_ACCESS_KEY_ID``,
``AWS_ENDPOINT_URL_S3`` and so on.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

from dagy_server.artifact_storage.incoming import (
    IncomingFile,
    ReceivedFile,
    incoming_file,
    remove_abandoned,
)
from dagy_server.artifact_storage.storage import PresignedUpload
from dagy_types.errors import ArtifactError, ConfigError, NetworkError

UPLOAD_SECONDS = 15 * 60
"""How long a client may take until it begins to send."""

_READ_BYTES = 256 * 1024
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


class S3Storage:
    """Keeps each artifact as ``PREFIX/ORGANISATION/SHA256``.

    What clients send past this server lands in ``PREFIX/incoming``. Once all of it has been read
    and hashed here, it is copied to its place: nobody can write there.

    Args:
        scratch: A local directory for uploads that come through this server.
    """

    def __init__(self, bucket: str, *, prefix: str, scratch: Path) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._scratch = scratch
        self._client = _client()
        remove_abandoned(scratch)

    def receive(self) -> AbstractContextManager[IncomingFile]:
        """Open a file to write an upload to; it is removed at the end."""
        return incoming_file(self._scratch)

    def publish(self, organisation_id: str, received: ReceivedFile) -> None:
        """Keep a whole file, all at once; it may be there already."""
        with _storage_errors(), received.path.open("rb") as body:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(organisation_id, received.sha256),
                Body=body,
                ChecksumSHA256=_in_base64(received.sha256),
            )

    def read(self, organisation_id: str, sha256: str, *, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to before ``stop``.

        Raises:
            ArtifactError: At once when they are not there.
            NetworkError: When the storage does not answer.
        """
        if start >= stop:
            return iter(())
        body = self._get(self._key(organisation_id, sha256), Range=f"bytes={start}-{stop - 1}")
        if body is None:
            raise ArtifactError(
                "The bytes of this artifact are missing.", hint="Upload the artifact again."
            )
        return _parts(body["Body"])

    def presign(self, organisation_id: str, sha256: str, size: int) -> PresignedUpload:
        """Return where to send the bytes to; other bytes are refused there."""
        checksum = _in_base64(sha256)
        with _storage_errors():
            url = self._client.generate_presigned_url(
                "put_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": self._incoming_key(organisation_id, sha256),
                    "ContentLength": size,
                    "ChecksumSHA256": checksum,
                },
                ExpiresIn=UPLOAD_SECONDS,
            )
        return PresignedUpload(
            url=url,
            headers={"Content-Length": str(size), "x-amz-checksum-sha256": checksum},
            expires_at=datetime.now(timezone.utc) + timedelta(seconds=UPLOAD_SECONDS),
        )

    def accept(self, organisation_id: str, sha256: str, size: int) -> bool:
        """Check bytes that were sent, and keep them; tell whether there were any.

        They are read and hashed here, whatever the storage has checked.

        Raises:
            ArtifactError: When they are other bytes than was said; they are removed then.
            NetworkError: When the storage does not answer.
        """
        key = self._incoming_key(organisation_id, sha256)
        sent = self._get(key)
        if sent is None:
            return False
        is_right = sent["ContentLength"] == size and _hash_of(sent["Body"]) == sha256
        with _storage_errors():
            if is_right:
                self._client.copy_object(
                    Bucket=self._bucket,
                    Key=self._key(organisation_id, sha256),
                    CopySource={"Bucket": self._bucket, "Key": key},
                    CopySourceIfMatch=sent["ETag"],  # what was read, and nothing later
                )
            self._client.delete_object(Bucket=self._bucket, Key=key)
        if not is_right:
            raise ArtifactError(
                "The bytes that were sent are not those that were announced.",
                hint="Ask for a new upload, with the SHA-256 and the size of the file.",
            )
        return True

    def _get(self, key: str, **options: str) -> Any:  # Any: boto3 has no types
        refusal = _exceptions().ClientError
        with _storage_errors():
            try:
                return self._client.get_object(Bucket=self._bucket, Key=key, **options)
            except refusal as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise

    def _key(self, organisation_id: str, sha256: str) -> str:
        return f"{self._prefix}{organisation_id}/{sha256}"

    def _incoming_key(self, organisation_id: str, sha256: str) -> str:
        return f"{self._prefix}incoming/{organisation_id}/{sha256}"


def _client() -> Any:  # Any: boto3 has no types
    try:
        boto3, botocore_config = import_module("boto3"), import_module("botocore.config")
    except ModuleNotFoundError:
        raise ConfigError(
            "Artifacts in S3 need a package that is not installed.",
            hint="Run: pip install 'dagy-server[s3]'",
        ) from None
    config = botocore_config.Config(signature_version="s3v4", connect_timeout=5)
    try:
        return boto3.client("s3", config=config)
    except (_exceptions().BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"S3 cannot be set up: {error}.", hint="Check the AWS_… variables of the server."
        ) from error


def _exceptions() -> Any:  # Any: boto3 has no types
    return import_module("botocore.exceptions")


@contextmanager
def _storage_errors() -> Iterator[None]:
    exceptions = _exceptions()
    try:
        yield
    except (exceptions.BotoCoreError, exceptions.ClientError) as error:
        raise NetworkError(
            "The storage for artifacts does not answer.",
            hint="Nothing was changed. Try again later.",
        ) from error


def _parts(body: Any) -> Iterator[bytes]:  # Any: boto3 has no types
    with _storage_errors(), body:
        while part := body.read(_READ_BYTES):
            yield part


def _hash_of(body: Any) -> str:  # Any: boto3 has no types
    found = hashlib.sha256()
    for part in _parts(body):
        found.update(part)
    return found.hexdigest()


def _in_base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
