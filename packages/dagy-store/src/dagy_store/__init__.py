"""The local record of Dagy runs: what ran, how each task ended, what it said and returned."""

from dagy_store._directory import local_directory
from dagy_store._store import LocalMetadataStore

__all__ = ["LocalMetadataStore", "__version__", "local_directory"]

__version__: str


def __getattr__(name: str) -> str:
    if name == "__version__":
        from dagy_store._release import release

        return release()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
