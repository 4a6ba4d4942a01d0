"""What the fake provider does at each of its paths."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from hmac import compare_digest
from urllib.parse import unquote_plus, urlencode

from dagy_auth.testing._exchange import Refusal, Reply, SeenRequest, html_reply, json_reply
from dagy_auth.testing._grants import Grant, Grants
from dagy_auth.testing._switches import Switches, changed


class Endpoints:
    """Answers requests by what was granted and by the switches.

    Args:
        clients: The secret of each known client; ``None`` for one that cannot keep any.
        clock: The provider's.
    """

    def __init__(
        self,
        switches: Switches,
        *,
        grants: Grants,
        clients: Mapping[str, str | None],
        clock: Callable[[], float],
    ) -> None:
        self._switches = switches
        self._grants = grants
        self._clients = clients
        self._clock = clock
        self._polls = 0
        self.issuer = ""
        self._table: dict[tuple[str, str], Callable[[SeenRequest], Reply]] = {
            ("GET", "/authorize"): self._authorize,
            ("GET", "/cli-login"): self._legacy_login,
            ("POST", "/token"): self._token,
            ("POST", "/device_authorization"): self._device_authorization,
            ("POST", "/revoke"): self._revoke,
            ("GET", "/me"): self._me,
            ("GET", "/userinfo"): self._userinfo,
        }

    def answer(self, request: SeenRequest) -> Reply:
        """Return the answer to a request."""
        handler = self._table.get((request.method, request.path))
        if handler is None:
            return html_reply("There is no such page.", status=404)
        try:
            return handler(request)
        except Refusal as refusal:
            return refusal.reply()

    def metadata(self) -> Reply:
        """Return the document that tells all endpoints."""
        issuer = self.issuer
        document = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "device_authorization_endpoint": f"{issuer}/device_authorization",
            "revocation_endpoint": f"{issuer}/revoke" if self._switches.can_revoke else None,
            "userinfo_endpoint": f"{issuer}/userinfo",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return json_reply(changed(document, self._switches.metadata_changes))

    def new_tokens(self, grant: Grant) -> dict[str, object]:
        """Return new tokens of a grant, as a token endpoint gives them."""
        switches = self._switches
        now = self._clock()
        claims = {
            "iss": self.issuer,
            "sub": switches.subject,
            "email": switches.email,
            "aud": grant.client_id,
            "iat": int(now),
            "exp": int(now + switches.expires_in),
        }
        document = {
            "access_token": self._grants.access_token(
                grant,
                lifetime_seconds=switches.expires_in,
                claims=claims if switches.gives_jwts else None,
            ),
            "token_type": "Bearer",
            "expires_in": switches.expires_in,
            "refresh_token": grant.refresh_token or None,
            "scope": grant.scopes or None,
        }
        if "openid" in grant.scopes.split():
            document["id_token"] = self._grants.jwt({**claims, "nonce": grant.nonce})
        return changed(document, {})

    def _authorize(self, request: SeenRequest) -> Reply:
        asked = request.parameters
        if asked.get("client_id") not in self._clients or "redirect_uri" not in asked:
            return html_reply("Unknown client, or no redirect URI.", status=400)
        answer: dict[str, str | None] = {"state": asked.get("state"), "iss": self.issuer}
        if self._switches.denies:
            answer |= {"error": "access_denied", "error_description": "The user has refused."}
        elif asked.get("code_challenge_method") != "S256" or asked.get("response_type") != "code":
            answer |= {"error": "invalid_request"}
        else:
            grant = Grant(
                client_id=asked["client_id"],
                scopes=asked.get("scope", ""),
                nonce=asked.get("nonce"),
                redirect_uri=asked["redirect_uri"],
                challenge=asked.get("code_challenge", ""),
            )
            answer["code"] = self._grants.authorize(grant)
        return self._redirect(asked["redirect_uri"], answer)

    def _legacy_login(self, request: SeenRequest) -> Reply:
        asked = request.parameters
        if "callback" not in asked:
            return html_reply("No callback was given.", status=400)
        grant = self._grants.start(Grant(client_id="", scopes="", is_renewable=False))
        token = self.new_tokens(grant)["access_token"]
        answer = {"token": str(token), "state": asked.get("state"), "email": self._switches.email}
        return self._redirect(asked["callback"], answer)

    def _redirect(self, target: str, answer: Mapping[str, str | None]) -> Reply:
        query = urlencode(changed(answer, self._switches.callback_changes))
        return Reply(status=302, headers={"Location": f"{target}?{query}"})

    def _token(self, request: SeenRequest) -> Reply:
        client_id = self._client_of(request)
        asked = request.parameters
        kind = asked.get("grant_type")
        if kind == "authorization_code":
            grant = self._grants.exchange(
                asked.get("code", ""),
                redirect_uri=asked.get("redirect_uri", ""),
                verifier=asked.get("code_verifier", ""),
            )
        elif kind == "refresh_token":
            self._grants.rotates = self._switches.rotates
            grant = self._grants.renew(asked.get("refresh_token", ""))
        elif kind == "urn:ietf:params:oauth:grant-type:device_code":
            grant = self._poll(asked.get("device_code", ""))
        elif kind == "client_credentials" and self._clients[client_id] is not None:
            scopes = asked.get("scope", "")
            grant = self._grants.start(
                Grant(client_id=client_id, scopes=scopes, is_renewable=False)
            )
        else:
            raise Refusal("unsupported_grant_type")
        if grant.client_id != client_id:
            raise Refusal("invalid_grant", "That was granted to another client.")
        return json_reply(changed(self.new_tokens(grant), self._switches.token_changes))

    def _client_of(self, request: SeenRequest) -> str:
        scheme, _, encoded = request.authorization.partition(" ")
        client_id = request.parameters.get("client_id", "")
        secret = request.parameters.get("client_secret")
        if scheme == "Basic" and self._switches.accepts_basic:
            try:
                decoded = base64.b64decode(encoded, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise Refusal("invalid_client", status=401) from None
            client_id, secret = map(unquote_plus, decoded.split(":", 1))
        expected = self._clients.get(client_id)
        if client_id not in self._clients or not compare_digest(expected or "", secret or ""):
            raise Refusal("invalid_client", status=401)
        return client_id

    def _device_authorization(self, request: SeenRequest) -> Reply:
        client_id = self._client_of(request)
        grant = Grant(client_id=client_id, scopes=request.parameters.get("scope", ""))
        self._polls = 0
        document = {
            "device_code": self._grants.authorize_device(grant),
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.issuer}/device",
            "verification_uri_complete": f"{self.issuer}/device?user_code=WDJB-MJHT",
            "expires_in": 900,
            "interval": self._switches.device_interval,
        }
        return json_reply(changed(document, self._switches.device_changes))

    def _poll(self, device_code: str) -> Grant:
        answers = self._switches.device_answers
        self._polls += 1
        if self._polls <= len(answers):
            raise Refusal(answers[self._polls - 1])
        if self._switches.denies:
            raise Refusal("access_denied")
        return self._grants.exchange_device(device_code)

    def _revoke(self, request: SeenRequest) -> Reply:
        self._client_of(request)
        if not self._switches.can_revoke:
            raise Refusal("unsupported_token_type")
        self._grants.revoke(request.parameters.get("token", ""))
        return Reply()

    def _me(self, request: SeenRequest) -> Reply:
        self._holder_of(request)
        switches = self._switches
        return json_reply(
            {"user_email": switches.email, "org_id": switches.org_id, "role": switches.role}
        )

    def _userinfo(self, request: SeenRequest) -> Reply:
        self._holder_of(request)
        return json_reply({"sub": self._switches.subject, "email": self._switches.email})

    def _holder_of(self, request: SeenRequest) -> Grant:
        grant = self._grants.holder(request.bearer_token)
        if grant is None:
            raise Refusal("invalid_token", "The token is expired, revoked or unknown.", status=401)
        return grant
