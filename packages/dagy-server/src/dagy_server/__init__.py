"""A control plane for Dagy that anyone can host."""

# Imported when first used: `dagy server start --help` can do without the whole server.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dagy_server.app import create_app
    from dagy_server.settings import Settings

__all__ = ["Settings", "create_app"]

_MODULES = {"Settings": "settings", "create_app": "app"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
