"""Typed sync and async client of the Dagy REST API."""

# Each name is imported when it is first used: all of them together cost several times the start of
# the bare interpreter, and httpx more than all of them.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dagy_client._answers import Page, RawResponse
    from dagy_client._client import AsyncDagyClient, DagyClient
    from dagy_client._limits import RetryPolicy, Timeouts
    from dagy_client._operation import Operation
    from dagy_client._operations import OPERATIONS
    from dagy_client.errors import (
        ApiAnswerError,
        ApiAuthError,
        ApiChecksumError,
        ApiConflictError,
        ApiConnectionError,
        ApiError,
        ApiErrorDetails,
        ApiNotFoundError,
        ApiPermissionDeniedError,
        ApiRateLimitedError,
        ApiServerError,
        ApiTokenExpiredError,
        ApiUnavailableError,
        ApiUsageError,
        ApiVersionError,
    )

__all__ = [
    "OPERATIONS",
    "ApiAnswerError",
    "ApiAuthError",
    "ApiChecksumError",
    "ApiConflictError",
    "ApiConnectionError",
    "ApiError",
    "ApiErrorDetails",
    "ApiNotFoundError",
    "ApiPermissionDeniedError",
    "ApiRateLimitedError",
    "ApiServerError",
    "ApiTokenExpiredError",
    "ApiUnavailableError",
    "ApiUsageError",
    "ApiVersionError",
    "AsyncDagyClient",
    "DagyClient",
    "Operation",
    "Page",
    "RawResponse",
    "RetryPolicy",
    "Timeouts",
    "__version__",
]

_MODULES = {
    "OPERATIONS": "_operations",
    "AsyncDagyClient": "_client",
    "DagyClient": "_client",
    "Operation": "_operation",
    "Page": "_answers",
    "RawResponse": "_answers",
    "RetryPolicy": "_limits",
    "Timeouts": "_limits",
}

__version__: str

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        if name == "__version__":
            return import_module(f"{__name__}._release").release()
        module = import_module(f"{__name__}.{_MODULES.get(name, 'errors')}")
        value = globals()[name] = getattr(module, name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
