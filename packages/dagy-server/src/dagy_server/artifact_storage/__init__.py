"""Where the bytes of artifacts are kept: a directory, or a bucket of S3-compatible storage."""

from dagy_server.artifact_storage.directory import DirectoryStorage
from dagy_server.artifact_storage.incoming import IncomingFile, ReceivedFile
from dagy_server.artifact_storage.storage import ArtifactStorage, PresignedUpload, UploadStorage

__all__ = [
    "ArtifactStorage",
    "DirectoryStorage",
    "IncomingFile",
    "PresignedUpload",
    "ReceivedFile",
    "UploadStorage",
]
