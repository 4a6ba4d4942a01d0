"""Requests to a provider: the only module that knows httpx.

No request lasts longer than its time limit, follows a redirect, reads an endless answer, goes over
plain http to another machine, or leaves a secret in an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from dagy_auth._answer import Answer, read_document, refusal_in, shown
from dagy_auth._application import Application
from dagy_auth._clock import clock_skew, utc_now
from dagy_auth._secret import Secret
from dagy_auth._sendable import host_of, require_encodable, require_sendable
from dagy_auth._time_limit import TimeLimitExceeded, call_within
from dagy_auth._wire import Form, signed_form
from dagy_types.errors import AuthError, ConfigError, DagyError, NetworkError

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 5.0
_MAX_BYTES = 1024 * 1024
_TRY_AGAIN = "Check the network, and try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    url: str
    host: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    body: Secret | None = None
    secrets: tuple[Secret, ...] = ()


class Http:
    """Talks to providers; a context manager that can be shared by threads.

    Args:
        transport: What carries the requests, for tests; by default, the network.
        timeout_seconds: How long one request may take in all.
        now: This machine's clock.
    """

    def __init__(
        self,
        *,
        transport: httpx.BaseTransport | None = None,
        timeout_seconds: float = 30.0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._transport = transport
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._client: httpx.Client | None = None

    def __enter__(self) -> Http:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def now(self) -> datetime:
        """Return the time by this machine's clock."""
        return self._now()

    def get(
        self, url: str, *, token: Secret | None = None, timeout_seconds: float | None = None
    ) -> Answer:
        """Return what is at a URL.

        Args:
            token: The bearer token to show.

        Raises:
            NetworkError: When no whole answer comes within the time limit.
            AuthError: When the token cannot be sent, or the answer is too long.
            ConfigError: When the URL cannot be used.
        """
        headers = {}
        if token is not None:
            require_sendable(token)
            headers["Authorization"] = Secret(f"Bearer {token.reveal()}")
        request = _Request(
            method="GET",
            url=url,
            host=host_of(url),
            headers=headers,
            secrets=() if token is None else (token,),
        )
        return self._send(
            request, self._timeout_seconds if timeout_seconds is None else timeout_seconds
        )

    def post_form(
        self,
        url: str,
        form: Form,
        *,
        application: Application,
        timeout_seconds: float | None = None,
    ) -> Answer:
        """Return the answer to a form that an application sends to an endpoint of its provider.

        A client secret goes into the header (RFC 6749 §2.3.1), and into the form when the provider
        does not know that.

        Raises:
            NetworkError: When no whole answer comes within the time limit.
            AuthError: When something cannot be sent, or the answer is too long.
            ConfigError: When the URL cannot be used.
        """
        require_encodable(form, application)
        host = host_of(url)
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        deadline = monotonic() + seconds
        for secret_in_form in (False, True):
            headers, body = signed_form(
                form, application=application, secret_in_form=secret_in_form
            )
            request = _Request(
                method="POST",
                url=url,
                host=host,
                headers=headers,
                body=body,
                secrets=_secrets_in(form, headers=headers, application=application),
            )
            answer = self._send(request, deadline - monotonic())
            if answer.error != "invalid_client" or application.client_secret is None:
                break
        return answer

    def _send(self, request: _Request, seconds: float) -> Answer:
        # In a thread, since neither the look-up of a name nor a server that sends a byte now and
        # then can be given a time limit otherwise, and a look-up cannot be interrupted.
        seconds = max(seconds, 0.001)
        client = self._open_client()
        try:
            outcome = call_within(
                seconds,
                lambda: _exchange(client, request, seconds=seconds, now=self._now),
                thread_name="dagy-auth-http",
            )
        except TimeLimitExceeded:
            outcome = NetworkError(
                f"{request.host} did not answer within {seconds:.3g} s.", hint=_TRY_AGAIN
            )
        if isinstance(outcome, DagyError):
            raise outcome from None
        return outcome

    def _open_client(self) -> httpx.Client:
        import httpx

        if self._client is None:
            try:
                self._client = httpx.Client(
                    transport=self._transport,
                    # What stays on this machine goes through no proxy.
                    mounts={f"all://{host}": None for host in ("127.0.0.1", "localhost", "[::1]")},
                    headers={"Accept": "application/json", "User-Agent": "dagy-auth"},
                )
            except (ValueError, OSError, ImportError, httpx.InvalidURL):
                raise ConfigError(
                    "The settings of proxies or certificates in the environment cannot be used.",
                    hint="Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR.",
                ) from None
        return self._client


def borrowed(http: Http | None) -> AbstractContextManager[Http]:
    """Return what was given, to be left open, or else a new one, to be closed."""
    return Http() if http is None else nullcontext(http)


def _secrets_in(
    form: Form, *, headers: Mapping[str, Secret], application: Application
) -> tuple[Secret, ...]:
    sent = [*form.values(), application.client_secret]
    if "Authorization" in headers:
        sent.append(Secret(headers["Authorization"].reveal().partition(" ")[2]))
    return tuple(each for each in sent if isinstance(each, Secret))


def _exchange(
    client: httpx.Client, request: _Request, *, seconds: float, now: Callable[[], datetime]
) -> Answer | DagyError:
    """Return the answer, or what went wrong: an error that was raised here would show secrets."""
    import httpx

    sent_at = now()
    try:
        with client.stream(
            request.method,
            request.url,
            headers={name: value.reveal() for name, value in request.headers.items()},
            content=None if request.body is None else request.body.reveal().encode(),
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
        ) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    return AuthError(
                        f"{request.host} answered with more than {_MAX_BYTES} bytes.",
                        hint="Check the URL of the provider.",
                    )
    except (httpx.InvalidURL, UnicodeError):  # the latter for a name with too long a part
        return ConfigError(f"A URL of {request.host} cannot be used.", hint="Check the URL.")
    except httpx.HTTPError as error:
        return NetworkError(f"{request.host} {_trouble(error)}.", hint=_TRY_AGAIN)
    document, content = read_document(
        bytes(body), content_type=response.headers.get("Content-Type", "")
    )
    refusal, description = refusal_in(document, secrets=request.secrets)
    return Answer(
        host=request.host,
        status=response.status_code,
        document=document,
        content=content,
        sent_at=sent_at,
        clock_skew_seconds=clock_skew(
            response.headers.get("Date"), sent_at=sent_at, received_at=now()
        ),
        error=refusal,
        description=description,
    )


def _trouble(error: httpx.HTTPError) -> str:
    # The text of most of these can contain what was sent or received.
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        return "cannot be connected to in time"
    if isinstance(error, httpx.ConnectError):
        return f"cannot be connected to: {shown(str(error)).rstrip('.') or 'no reason is known'}"
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    if isinstance(error, httpx.ProxyError):
        return "cannot be reached through the proxy"
    return "broke the connection off, or sent an answer that is not whole"
