"""OAuth login for command-line tools: browser or device, safe storage, refresh that never races."""

# Each name is imported when it is first used: all of them together cost several times the start of
# the bare interpreter, and `typing` alone, for its TYPE_CHECKING, nearly as much as that.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dagy_auth._application import Application
    from dagy_auth._browser_login import login_with_browser
    from dagy_auth._browser_visit import OpenBrowser, ReadRedirect, open_in_browser
    from dagy_auth._choice import CredentialStores, choose_store
    from dagy_auth._client_credentials import login_with_client_credentials
    from dagy_auth._credential_store import CredentialStore
    from dagy_auth._device_login import login_with_device
    from dagy_auth._file_store import FileStore
    from dagy_auth._http import Http
    from dagy_auth._identity import Identity, fetch_identity, identity_from
    from dagy_auth._interactive_login import login_interactively
    from dagy_auth._keyring_store import KeyringStore
    from dagy_auth._legacy_callback import login_with_callback
    from dagy_auth._legacy_file import read_legacy_token
    from dagy_auth._login import LoginResult, UnsavedTokensError, login
    from dagy_auth._logout import LogoutResult, logout
    from dagy_auth._loopback import NoCallbackError
    from dagy_auth._memory_store import MemoryStore
    from dagy_auth._notices import EnterCode, Notice, Notify, OpenUrl, Waiting, Warned
    from dagy_auth._origin import origin_of
    from dagy_auth._provider import Provider, discover
    from dagy_auth._renewal import refresh
    from dagy_auth._resolution import ResolvedSource, resolve_token_source
    from dagy_auth._revocation import revoke
    from dagy_auth._secret import Secret
    from dagy_auth._secret_input import read_secret
    from dagy_auth._session import Session
    from dagy_auth._static_source import StaticTokenSource
    from dagy_auth._static_token import login_with_token
    from dagy_auth._stored_source import StoredTokenSource
    from dagy_auth._surroundings import browser_obstacle
    from dagy_auth._token_set import TokenSet

__all__ = [
    "Application",
    "CredentialStore",
    "CredentialStores",
    "EnterCode",
    "FileStore",
    "Http",
    "Identity",
    "KeyringStore",
    "LoginResult",
    "LogoutResult",
    "MemoryStore",
    "NoCallbackError",
    "Notice",
    "Notify",
    "OpenBrowser",
    "OpenUrl",
    "Provider",
    "ReadRedirect",
    "ResolvedSource",
    "Secret",
    "Session",
    "StaticTokenSource",
    "StoredTokenSource",
    "TokenSet",
    "UnsavedTokensError",
    "Waiting",
    "Warned",
    "browser_obstacle",
    "choose_store",
    "discover",
    "fetch_identity",
    "identity_from",
    "login",
    "login_interactively",
    "login_with_browser",
    "login_with_callback",
    "login_with_client_credentials",
    "login_with_device",
    "login_with_token",
    "logout",
    "open_in_browser",
    "origin_of",
    "read_legacy_token",
    "read_secret",
    "refresh",
    "resolve_token_source",
    "revoke",
]

_MODULES = {
    "Application": "_application",
    "CredentialStore": "_credential_store",
    "CredentialStores": "_choice",
    "EnterCode": "_notices",
    "FileStore": "_file_store",
    "Http": "_http",
    "Identity": "_identity",
    "KeyringStore": "_keyring_store",
    "LoginResult": "_login",
    "LogoutResult": "_logout",
    "MemoryStore": "_memory_store",
    "NoCallbackError": "_loopback",
    "Notice": "_notices",
    "Notify": "_notices",
    "OpenBrowser": "_browser_visit",
    "OpenUrl": "_notices",
    "Provider": "_provider",
    "ReadRedirect": "_browser_visit",
    "ResolvedSource": "_resolution",
    "Secret": "_secret",
    "Session": "_session",
    "StaticTokenSource": "_static_source",
    "StoredTokenSource": "_stored_source",
    "TokenSet": "_token_set",
    "UnsavedTokensError": "_login",
    "Waiting": "_notices",
    "Warned": "_notices",
    "browser_obstacle": "_surroundings",
    "choose_store": "_choice",
    "discover": "_provider",
    "fetch_identity": "_identity",
    "identity_from": "_identity",
    "login": "_login",
    "login_interactively": "_interactive_login",
    "login_with_browser": "_browser_login",
    "login_with_callback": "_legacy_callback",
    "login_with_client_credentials": "_client_credentials",
    "login_with_device": "_device_login",
    "login_with_token": "_static_token",
    "logout": "_logout",
    "open_in_browser": "_browser_visit",
    "origin_of": "_origin",
    "read_legacy_token": "_legacy_file",
    "read_secret": "_secret_input",
    "refresh": "_renewal",
    "resolve_token_source": "_resolution",
    "revoke": "_revocation",
}


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
