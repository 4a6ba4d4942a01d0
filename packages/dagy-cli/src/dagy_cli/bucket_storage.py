"""Archives in a bucket of one's own, for servers that read them from there; needs boto3."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dagy_types.errors import AuthError, ConfigError, NetworkError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagy.deploy import Archive, ArtifactPlace

BUCKET_VARIABLE = "DAGY_ARTIFACT_BUCKET"

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
DEFAULT_REGION = "us-east-1"
_ABSENT = ("404", "NoSuchKey", "NotFound")


def bucket_storage(environ: Mapping[str, str]) -> BucketStorage | None:
    """Return the storage in the bucket that the environment names, if it names one.

    Raises:
        ConfigError: When boto3 is not installed, or cannot be set up.
    """
    bucket = environ.get(BUCKET_VARIABLE)
    if not bucket:
        return None
    region = next((environ[name] for name in REGION_VARIABLES if environ.get(name)), None)
    return BucketStorage(bucket, region=region or DEFAULT_REGION)


class BucketStorage:
    """Keeps archives as ``artifacts/SHA256.zip`` in a bucket; an `ArtifactStorage` of dagy.deploy.

    Credentials are found as boto3 finds them. They have to allow ``s3:ListBucket`` and, on
    ``artifacts/*``, ``s3:GetObject`` and ``s3:PutObject``.
    """

    def __init__(self, bucket: str, *, region: str) -> None:
        self._bucket = bucket
        self._client = _client(region)

    def find(self, archive: Archive) -> ArtifactPlace | None:
        """Return where an archive is, if it is there."""
        refusal = _exceptions().ClientError
        with self._errors():
            try:
                found = self._client.head_object(
                    Bucket=self._bucket, Key=_key(archive), ChecksumMode="ENABLED"
                )
            except refusal as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise
        # Not every storage that speaks S3 tells the checksum; its name has the hash in any case.
        has_size = found["ContentLength"] == archive.size_bytes
        has_hash = found.get("ChecksumSHA256", _checksum(archive)) == _checksum(archive)
        return self._place(archive) if has_size and has_hash else None

    def upload(
        self, archive: Archive, on_progress: Callable[[int, int], None] | None
    ) -> ArtifactPlace:
        """Bring an archive there, and return where it is; other bytes are refused there."""
        with self._errors(), archive.path.open("rb") as body:
            self._client.put_object(
                Bucket=self._bucket,
                Key=_key(archive),
                Body=body,
                ContentLength=archive.size_bytes,
                ChecksumSHA256=_checksum(archive),
            )
        if on_progress is not None:
            on_progress(archive.size_bytes, archive.size_bytes)
        return self._place(archive)

    def _place(self, archive: Archive) -> ArtifactPlace:
        from dagy.deploy import ArtifactPlace

        return ArtifactPlace(s3_uri=f"s3://{self._bucket}/{_key(archive)}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn errors of boto3 into Dagy's, which name the bucket."""
        exceptions = _exceptions()
        try:
            yield
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise AuthError(
                f"There are no credentials for the bucket {self._bucket}.",
                hint="Give them as AWS tools take them: AWS_PROFILE, AWS_ACCESS_KEY_ID, ….",
            ) from error
        except exceptions.ClientError as error:
            raise self._refused(error.response["Error"]["Code"]) from error
        except exceptions.ParamValidationError as error:
            raise ConfigError(
                f"{self._bucket!r} cannot be the name of a bucket.",
                hint=f"Correct {BUCKET_VARIABLE}.",
            ) from error
        except exceptions.BotoCoreError as error:
            raise NetworkError(
                f"The bucket {self._bucket} cannot be reached.",
                hint="Check the network, the region and AWS_ENDPOINT_URL_S3.",
            ) from error

    def _refused(self, code: str) -> ConfigError | PermissionDeniedError | NetworkError:
        if code == "NoSuchBucket":
            return ConfigError(
                f"There is no bucket {self._bucket}.", hint=f"Correct {BUCKET_VARIABLE}."
            )
        if code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"):
            return PermissionDeniedError(
                f"The bucket {self._bucket} may not be used with these credentials ({code}).",
                hint="They need s3:ListBucket, s3:GetObject and s3:PutObject.",
            )
        return NetworkError(
            f"The bucket {self._bucket} has not taken the archive ({code}).",
            hint="Try again later.",
        )


def _client(region: str) -> Any:  # Any: boto3 has no types
    try:
        boto3, config = import_module("boto3"), import_module("botocore.config")
    except ModuleNotFoundError:
        raise ConfigError(
            f"{BUCKET_VARIABLE} is set, and the package that speaks to buckets is not installed.",
            hint="Run: pip install 'dagy-cli[s3]'",
        ) from None
    settings = config.Config(signature_version="s3v4", connect_timeout=5)
    try:
        return boto3.Session(region_name=region).client("s3", config=settings)
    except (_exceptions().BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"S3 cannot be set up: {error}.", hint="Check the AWS_… variables."
        ) from error


def _exceptions() -> Any:  # Any: boto3 has no types
    return import_module("botocore.exceptions")


def _key(archive: Archive) -> str:
    return f"artifacts/{archive.sha256}.zip"


def _checksum(archive: Archive) -> str:
    return base64.b64encode(bytes.fromhex(archive.sha256)).decode("ascii")
