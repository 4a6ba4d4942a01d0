"""The login in a browser of this machine (RFC 6749 §4.1, RFC 7636, RFC 8252)."""

from __future__ import annotations

from dataclasses import dataclass

from dagy_auth._answer import shown
from dagy_auth._application import Application
from dagy_auth._browser_visit import OpenBrowser, ReadRedirect, callback_of, open_in_browser
from dagy_auth._callback import Callback
from dagy_auth._http import Http, borrowed
from dagy_auth._loopback import LoopbackReceiver
from dagy_auth._notices import Notify, Warned, ignore
from dagy_auth._provider import Provider
from dagy_auth._secret import Secret
from dagy_auth._sendable import host_of
from dagy_auth._token_response import with_tokens, without_tokens
from dagy_auth._token_set import TokenSet
from dagy_auth._wire import Form, authorization_url, code_challenge
from dagy_types.errors import AuthError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """The texts that belong to one login and to no other."""

    state: Secret
    verifier: Secret
    nonce: Secret | None

    @classmethod
    def of(cls, application: Application) -> _Attempt:
        return cls(
            state=random_secret(),
            verifier=random_secret(),
            nonce=random_secret() if "openid" in application.scopes else None,
        )


def random_secret() -> Secret:
    """Return 64 characters that nobody can guess, all of which can stand in a URL."""
    import secrets

    return Secret(secrets.token_urlsafe(48))


def login_with_browser(
    provider: Provider,
    application: Application,
    *,
    origin: str,
    notify: Notify = ignore,
    open_browser: OpenBrowser | None = open_in_browser,
    read_redirect: ReadRedirect | None = None,
    timeout_seconds: float = 300.0,
    http: Http | None = None,
) -> TokenSet:
    """Log a person in by the browser, and return the tokens.

    Args:
        origin: The URL, or only the origin of it, that the access token may be sent to.
        notify: Is told the URL to open, and what else there is to say.
        open_browser: Opens the URL; ``None`` leaves that to the person.
        read_redirect: Gives what the person pastes, for a browser on another machine.
        timeout_seconds: How long the person may take.

    Raises:
        NoCallbackError: When the browser does not come back; a device login may still work.
        AuthError: When the person or the provider refuses, or what comes back is not in order.
        NetworkError: When the provider does not answer.
    """
    endpoint = _authorization_endpoint(provider)
    tokens = without_tokens(provider, application, origin=origin)
    attempt = _Attempt.of(application)
    _warn_without_pkce(provider, notify)
    with LoopbackReceiver(state=attempt.state, expects=("code", "error")) as receiver:
        redirect_uri = receiver.redirect_uri
        callback = callback_of(
            receiver,
            _url(endpoint, attempt, application=application, redirect_uri=redirect_uri),
            notify=notify,
            open_browser=open_browser,
            read_redirect=read_redirect,
            timeout_seconds=timeout_seconds,
        )
    _require_issuer(provider, callback)
    require_no_error(callback, host=host_of(endpoint))
    form: Form = {
        "grant_type": "authorization_code",
        "code": callback.secret("code"),
        "redirect_uri": redirect_uri,
        "code_verifier": attempt.verifier,
        **application.asked_again,
    }
    with borrowed(http) as http:
        answer = http.post_form(provider.token_endpoint, form, application=application)
    return with_tokens(tokens, answer, nonce=attempt.nonce)


def require_no_error(callback: Callback, *, host: str) -> None:
    """Make sure that a login was not refused.

    Raises:
        AuthError: When it was.
    """
    error = shown(callback.text("error"))
    if error == "access_denied":
        raise AuthError(f"The login at {host} was refused.", hint="Log in again and accept.")
    if error:
        description = shown(callback.text("error_description"), secrets=(callback.secret("state"),))
        reason = f"{error}: {description}" if description else error
        raise AuthError(f"{host} refuses the login: {reason}.", hint="Log in again.")


def _authorization_endpoint(provider: Provider) -> str:
    if provider.authorization_endpoint is None:
        raise AuthError(
            f"{provider.issuer} has no login by browser.", hint="Log in with a code instead."
        )
    host_of(provider.authorization_endpoint)
    return provider.authorization_endpoint


def _warn_without_pkce(provider: Provider, notify: Notify) -> None:
    methods = provider.code_challenge_methods
    if methods is not None and "S256" not in methods:
        notify(
            Warned(
                message=f"{provider.issuer} does not know PKCE with S256, which keeps others from "
                "using the code of a login.",
                hint="It is sent all the same; ask whoever runs the provider to support it.",
            )
        )


def _url(
    endpoint: str, attempt: _Attempt, *, application: Application, redirect_uri: str
) -> Secret:
    extra: dict[str, str | Secret] = {
        "state": attempt.state,
        "code_challenge": code_challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    if attempt.nonce is not None:
        extra["nonce"] = attempt.nonce
    if prompt := _prompt(application):
        extra["prompt"] = prompt
    return Secret(
        authorization_url(endpoint, application=application, redirect_uri=redirect_uri, extra=extra)
    )


def _prompt(application: Application) -> str:
    if application.prompt is None and "offline_access" in application.scopes:
        return "consent"
    return application.prompt or ""


def _require_issuer(provider: Provider, callback: Callback) -> None:
    named = callback.text("iss")
    if named == provider.issuer or (not named and not provider.names_itself):
        return
    raise AuthError(
        f"The browser came back from {shown(named) or 'an unnamed provider'!r}, and the login was "
        f"at {provider.issuer}.",
        hint="Log in again; if this stays, ask whoever runs the provider.",
    )
