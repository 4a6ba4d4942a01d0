"""Who may use the fake server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from dagy_client.testing._arrangement import body, page
from dagy_client.testing._messages import RefusedError, SeenRequest
from dagy_client.testing._state import Handler, State
from dagy_types import (
    AccessToken,
    Account,
    ApiKey,
    ApiKeyRequest,
    Health,
    HealthStatus,
    LoginRequest,
    NewApiKey,
    Role,
)


def _login(state: State, request: SeenRequest) -> AccessToken:
    asked = body(LoginRequest, request)
    if (asked.email, asked.password) != (state.email, state.password):
        raise RefusedError(401, "unknown_user", "Nobody here has this address and password.")
    token = state.new_id("dagy_at")
    state.tokens.add(token)
    return AccessToken(access_token=token, expires_at=state.now())


def _logout(state: State, request: SeenRequest) -> None:
    state.tokens.discard(request.headers["authorization"].removeprefix("Bearer "))


def _me(state: State, _: SeenRequest) -> Account:
    return Account(user_email=state.email, org_id="org_1", role=Role.DEVELOPER)


def _users_me(state: State, request: SeenRequest) -> Account:
    return replace(_me(state, request), org_name="Fake", super_admin=False)


def _health(state: State, _: SeenRequest) -> Health:
    return Health(status=HealthStatus.HEALTHY, version="fake", timestamp=state.now())


def _list_keys(state: State, request: SeenRequest) -> tuple[list[ApiKey], str | None]:
    return page(state.api_keys, request)


def _create_key(state: State, request: SeenRequest) -> NewApiKey:
    asked = body(ApiKeyRequest, request)
    key_id = state.new_id("key")
    secret = f"dagy_sk_fake_{key_id}"
    key = ApiKey(
        key_id=key_id,
        name=asked.name,
        key_prefix=secret[:12],
        scopes=asked.scopes,
        created_at=state.now(),
    )
    state.api_keys.put(key_id, key)
    state.key_tokens[key_id] = secret
    given = {each.name: getattr(key, each.name) for each in fields(key)}
    return NewApiKey(**given, key=secret)


def _delete_key(state: State, request: SeenRequest) -> None:
    state.api_keys.remove(request.values["key_id"])
    del state.key_tokens[request.values["key_id"]]


HANDLERS: Mapping[str, Handler] = {
    "login": _login,
    "logout": _logout,
    "me": _me,
    "users.me": _users_me,
    "health": _health,
    "api_keys.list": _list_keys,
    "api_keys.create": _create_key,
    "api_keys.delete": _delete_key,
}
