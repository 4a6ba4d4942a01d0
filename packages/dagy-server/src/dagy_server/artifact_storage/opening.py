"""Which storage a URL means."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from dagy_server.artifact_storage.directory import DirectoryStorage
from dagy_server.artifact_storage.storage import ArtifactStorage
from dagy_types.errors import ConfigError, StoreError


def open_storage(url: str, *, scratch: Path) -> ArtifactStorage:
    """Return the storage at ``file:///path`` or ``s3://BUCKET/PREFIX``.

    Args:
        scratch: A local directory for what is on its way to a bucket.

    Raises:
        ConfigError: When the URL means neither, or S3 cannot be set up.
        StoreError: When the directory cannot be used.
    """
    scheme, place, path = _parts(url)
    if scheme == "file" and place in ("", "localhost") and path.strip("/"):
        return _open_directory(Path(path))
    if scheme == "s3" and place:
        from dagy_server.artifact_storage.s3 import S3Storage

        return S3Storage(place, prefix=path, scratch=scratch)
    raise ConfigError(
        f"There is no storage for artifacts at {url!r}.",
        hint="Give file:///path or s3://BUCKET/PREFIX.",
    )


def _parts(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", ""
    return parts.scheme, parts.netloc, unquote(parts.path)


def _open_directory(path: Path) -> DirectoryStorage:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return DirectoryStorage(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be used: {error.strerror}.",
            hint="Make sure that you may write there, or give another --artifacts-url.",
        ) from error
