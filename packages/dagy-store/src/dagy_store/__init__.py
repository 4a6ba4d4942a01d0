"""The local record of Dagy runs: what ran, how each task ended, what it said and returned."""

from typing import TYPE_CHECKING

from dagy_store._directory import local_directory
from dagy_store._release import RELEASE

if TYPE_CHECKING:
    from dagy_store._store import LocalMetadataStore

__all__ = ["LocalMetadataStore", "__version__", "local_directory"]

__version__ = RELEASE

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "LocalMetadataStore":
            # Many ask only where the record is, and need not load SQLite for that.
            from dagy_store._store import LocalMetadataStore

            globals()[name] = LocalMetadataStore
            return LocalMetadataStore
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
