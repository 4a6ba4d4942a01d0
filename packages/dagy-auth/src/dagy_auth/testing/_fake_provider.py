"""The fake provider itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType

from dagy_auth._secret import Secret
from dagy_auth._token_set import TokenSet
from dagy_auth.testing._browser import Page, visit
from dagy_auth.testing._endpoints import Endpoints
from dagy_auth.testing._exchange import Reply, SeenRequest, html_reply
from dagy_auth.testing._faults import Fault, FaultKind, Faults, faulty_reply
from dagy_auth.testing._grants import Grant, Grants
from dagy_auth.testing._server import Server
from dagy_auth.testing._switches import Switches

_METADATA = {
    "/.well-known/oauth-authorization-server": "oauth",
    "/.well-known/openid-configuration": "openid",
}
_SECRET_PARAMETERS = ("state", "code_verifier", "client_secret", "token", "code", "nonce")


class FakeProvider(Switches):
    """An OAuth provider, and an API that accepts its tokens, on a port of this machine.

    It issues, rotates, revokes and expires tokens, plays the browser, misbehaves on demand, and
    remembers every request. Use it as a context manager; any process can talk to it by HTTP::

        with FakeProvider() as provider:
            found = discover(provider.issuer)
            application = Application(client_id=provider.client_id)
            login_with_browser(found, application, open_browser=provider.browser, …)

    Args:
        path: The path of the issuer, such as ``/tenant``.

    Attributes:
        client_id: A program on people's machines, which has no secret.
        machine_client_id, machine_client_secret: A program that logs in as itself.
        pages: What each browser has come to.
        requests: What has come in so far, the oldest first.
        secrets: Every text so far that must never be seen: tokens, codes, states, verifiers.
    """

    client_id = "dagy-cli"
    machine_client_id = "dagy-ci"

    def __init__(self, *, path: str = "") -> None:
        super().__init__()
        self._lock = threading.Condition()
        self._faults = Faults()
        self._grants = Grants(self.now)
        self.machine_client_secret = self._grants.secret("client_")
        self._endpoints = Endpoints(
            self,
            grants=self._grants,
            clients={
                self.client_id: None,
                self.machine_client_id: self.machine_client_secret,
            },
            clock=self.now,
        )
        self.pages: list[Page] = []
        self.requests: list[SeenRequest] = []
        self._server = Server(self._answer, clock=self.now)
        self._path = path
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.issuer = self._endpoints.issuer = self.origin + path

    def __enter__(self) -> FakeProvider:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.stop()

    def __repr__(self) -> str:
        return f"FakeProvider({self.issuer})"

    @property
    def me_url(self) -> str:
        """Where the API says whose token it got."""
        return f"{self.issuer}/me"

    @property
    def userinfo_url(self) -> str:
        """The same, as OpenID has it."""
        return f"{self.issuer}/userinfo"

    @property
    def secrets(self) -> list[str]:
        """Every text so far that must never be seen."""
        with self._lock:
            sent = [
                text
                for request in self.requests
                for name, text in request.parameters.items()
                if name in _SECRET_PARAMETERS
            ]
        return sorted({*sent, *self._grants.secrets})

    @property
    def refresh_count(self) -> int:
        """How many refreshes were asked for."""
        return len(self.requests_to("/token", grant_type="refresh_token"))

    @property
    def bearer_tokens(self) -> list[str]:
        """The tokens of all Authorization headers so far."""
        with self._lock:
            return [request.bearer_token for request in self.requests if request.bearer_token]

    def requests_to(self, path: str, **parameters: str) -> list[SeenRequest]:
        """Return the requests so far to a path, with these parameters."""
        with self._lock:
            return [
                request
                for request in self.requests
                if request.path == path and parameters.items() <= request.parameters.items()
            ]

    def wait_for(self, path: str, *, timeout_seconds: float = 30.0) -> SeenRequest:
        """Return the first request to a path, as soon as there is one.

        Raises:
            TimeoutError: When none comes in time.
        """
        with self._lock:
            if not self._lock.wait_for(lambda: self.requests_to(path), timeout_seconds):
                raise TimeoutError(f"No request to {path} came within {timeout_seconds:g} s.")
            return self.requests_to(path)[0]

    def now(self) -> float:
        """Return the time by the provider's clock."""
        return time.time() + self.clock_offset_seconds

    def browser(self, url: str) -> bool:
        """Visit a URL as the browser of a user who approves what is asked for."""
        page = visit(url)
        with self._lock:
            self.pages.append(page)
        return True

    def approve(self, url: str) -> str:
        """Approve what a URL asks for, and return the URL that the browser would go to then."""
        return visit(url, follows_redirects=False).headers["Location"] or ""

    def misbehave(
        self, path: str, kind: FaultKind, *, times: int = 1, seconds: float = 60.0
    ) -> None:
        """Make the next requests to a path, such as ``/token``, fail in this way."""
        self._faults.add(Fault(path=path, kind=kind, seconds=seconds), times=times)

    def new_tokens(self, *, origin: str | None = None, scopes: tuple[str, ...] = ()) -> TokenSet:
        """Return tokens as a login gives them, without one; they name no time of expiry.

        Args:
            origin: Where the access token may be sent to; by default, to this provider.
        """
        grant = self._grants.start(Grant(client_id=self.client_id, scopes=" ".join(scopes)))
        document = self._endpoints.new_tokens(grant)
        return TokenSet(
            access_token=Secret(str(document["access_token"])),
            refresh_token=Secret(grant.refresh_token),
            origin=origin or self.origin,
            client_id=self.client_id,
            scopes=scopes,
            issuer=self.issuer,
            token_endpoint=f"{self.issuer}/token",
            revocation_endpoint=f"{self.issuer}/revoke",
            email=self.email,
            subject=self.subject,
        )

    def jwt(self, claims: Mapping[str, object]) -> str:
        """Return a token that makes these claims, with a signature that nobody can check."""
        return self._grants.jwt(claims)

    def accepts(self, token: str) -> bool:
        """Whether an access token is good now."""
        return self._grants.holder(token) is not None

    def expire_tokens(self) -> None:
        """End all access tokens; refresh tokens stay good."""
        self._grants.expire()

    def revoke_all(self) -> None:
        """End all tokens."""
        self._grants.revoke_all()

    def _answer(self, request: SeenRequest) -> tuple[Reply | None, Fault | None]:
        request = replace(request, path=self._path_under_issuer(request.path))
        with self._lock:
            self.requests.append(request)
            self._lock.notify_all()
        fault = self._faults.take(request.path)
        if fault is not None and not fault.spoils_answer:
            return faulty_reply(fault, request), fault
        return self._reply(request), fault

    def _path_under_issuer(self, path: str) -> str:
        for well_known in _METADATA:
            if path == well_known + self._path:
                return well_known
        inside = path.startswith(f"{self._path}/")
        return path.removeprefix(self._path) if inside else f"/outside{path}"

    def _reply(self, request: SeenRequest) -> Reply:
        kind = _METADATA.get(request.path)
        if kind is None:
            return self._endpoints.answer(request)
        if request.method == "GET" and kind in self.metadata_kinds:
            return self._endpoints.metadata()
        return html_reply("There is no such page.", status=404)
