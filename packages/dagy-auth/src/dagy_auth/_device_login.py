"""The login by a code that is entered in a browser on any device (RFC 8628)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagy_auth._answer import Answer, require_available, require_success, shown
from dagy_auth._application import Application
from dagy_auth._http import Http, borrowed
from dagy_auth._notices import EnterCode, Notify, Waiting, ignore
from dagy_auth._provider import Provider
from dagy_auth._secret import Secret
from dagy_auth._sendable import host_of
from dagy_auth._token_response import number, with_tokens, without_tokens
from dagy_auth._token_set import TokenSet
from dagy_auth._wire import Form
from dagy_types.errors import AuthError, ConfigError, NetworkError

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_SECONDS = 5.0
_LONGEST_INTERVAL_SECONDS = 60.0
_SLOW_DOWN_SECONDS = 5.0
_LIFETIME_SECONDS = 900.0
_LONGEST_LIFETIME_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Codes:
    device_code: Secret
    user_code: str = field(repr=False)
    url: str
    complete_url: str | None = field(repr=False)
    interval_seconds: float
    lifetime_seconds: float


def login_with_device(
    provider: Provider,
    application: Application,
    *,
    origin: str,
    notify: Notify = ignore,
    wait: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    http: Http | None = None,
) -> TokenSet:
    """Log a person in who uses a browser on another device, and return the tokens.

    Args:
        origin: The URL, or only the origin of it, that the access token may be sent to.
        notify: Is told the code and where to enter it.
        wait: Waits for some seconds between two questions to the provider; what it raises ends the
            login.
        clock: Counts seconds.

    Raises:
        AuthError: When the person or the provider refuses, or the code was not entered in time.
        NetworkError: When the provider does not answer at the beginning.
    """
    tokens = without_tokens(provider, application, origin=origin)
    with borrowed(http) as http:
        codes = _ask_for_codes(http, provider, application)
        notify(
            EnterCode(
                url=codes.url,
                user_code=codes.user_code,
                complete_url=codes.complete_url,
                expires_in_seconds=codes.lifetime_seconds,
            )
        )
        answer = _poll(
            http, provider, application, codes=codes, notify=notify, wait=wait, clock=clock
        )
    return with_tokens(tokens, answer)


def _ask_for_codes(http: Http, provider: Provider, application: Application) -> _Codes:
    if provider.device_authorization_endpoint is None:
        raise AuthError(
            f"{provider.issuer} has no login by code.", hint="Log in with the browser instead."
        )
    answer = http.post_form(
        provider.device_authorization_endpoint, application.asked, application=application
    )
    require_success(answer)
    codes = _codes_in(answer.document or {})
    if not codes.device_code.reveal() or not codes.user_code or not codes.url:
        raise AuthError(
            f"{answer.host} answered without a code, or without a URL to enter it at.",
            hint="Log in with the browser instead.",
        )
    return codes


def _codes_in(document: Mapping[str, Any]) -> _Codes:
    url = _url(document, "verification_uri") or _url(document, "verification_url")
    return _Codes(
        device_code=Secret(_text(document, "device_code")),
        user_code=shown(_text(document, "user_code")),
        url=url or "",
        complete_url=_url(document, "verification_uri_complete"),
        interval_seconds=_seconds(
            document, "interval", default=_INTERVAL_SECONDS, most=_LONGEST_INTERVAL_SECONDS
        ),
        lifetime_seconds=_seconds(
            document, "expires_in", default=_LIFETIME_SECONDS, most=_LONGEST_LIFETIME_SECONDS
        ),
    )


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _url(document: Mapping[str, Any], name: str) -> str | None:
    url = _text(document, name)
    try:
        host_of(url)
    except ConfigError:
        return None
    return url


def _seconds(document: Mapping[str, Any], name: str, *, default: float, most: float) -> float:
    seconds = number(document.get(name))
    return seconds if seconds is not None and 0.0 < seconds <= most else default


def _poll(
    http: Http,
    provider: Provider,
    application: Application,
    *,
    codes: _Codes,
    notify: Notify,
    wait: Callable[[float], object],
    clock: Callable[[], float],
) -> Answer:
    deadline = clock() + codes.lifetime_seconds
    interval = codes.interval_seconds
    form: Form = {
        "grant_type": _GRANT_TYPE,
        "device_code": codes.device_code,
        **application.asked_again,
    }
    while clock() + interval <= deadline:
        wait(interval)
        try:
            answer = http.post_form(provider.token_endpoint, form, application=application)
            require_available(answer)
        except NetworkError as error:
            interval = min(interval * 2, _LONGEST_INTERVAL_SECONDS)
            notify(Waiting(seconds=interval, reason=error.message))
            continue
        if answer.error == "slow_down":
            interval += _SLOW_DOWN_SECONDS
        elif answer.error == "expired_token":
            break
        elif answer.error == "access_denied":
            raise AuthError(
                f"The login at {answer.host} was refused.", hint="Log in again and accept."
            )
        elif answer.error != "authorization_pending":
            return answer
    raise AuthError("The code was not entered before it expired.", hint="Log in again.")
