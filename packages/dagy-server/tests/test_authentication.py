from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from dagy_server.authentication import authenticate
from dagy_server.callers import CallerKind
from dagy_server.database.schema import api_keys, memberships, oauth_tokens, users
from dagy_server.key_tokens import new_key
from dagy_server.permissions import ROLE_PERMISSIONS, Permission
from dagy_server.services import Services
from dagy_types import Role
from dagy_types.errors import AuthError, NotLoggedInError, TokenExpiredError


def _header(sender: Any) -> str:
    return str(sender.headers["Authorization"])


def test_a_token_names_its_user_and_what_the_role_allows(
    services: Services, developer: Any
) -> None:
    caller = authenticate(services, _header(developer))
    assert (caller.kind, caller.user_id, caller.role) == (
        CallerKind.ACCESS_TOKEN,
        developer.user_id,
        Role.DEVELOPER,
    )
    assert caller.permissions == ROLE_PERMISSIONS[Role.DEVELOPER]
    assert caller.actor == developer.user_id
    assert caller.token_id is not None


def test_a_token_with_scopes_allows_no_more(
    services: Services, organisation: str, new_member: Callable[..., Any]
) -> None:
    member = new_member(organisation, Role.OWNER, scopes=("runs.read",))
    assert authenticate(services, _header(member)).permissions == {Permission.RUNS_READ}


def test_sec_06_a_key_stands_for_who_made_it_within_its_scopes(
    services: Services, viewer: Any, new_api_key: Callable[..., Any]
) -> None:
    key = new_api_key(viewer, ("runs.read", "runs.write"))
    caller = authenticate(services, _header(key))
    assert (caller.kind, caller.actor, caller.user_id) == (
        CallerKind.API_KEY,
        key.id,
        viewer.user_id,
    )
    assert caller.permissions == {Permission.RUNS_READ}


@pytest.mark.parametrize("header", [None, ""])
def test_no_header_is_nobody(services: Services, header: str | None) -> None:
    with pytest.raises(NotLoggedInError):
        authenticate(services, header)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "dagy_sk_x",
        "Bearer dagy_sk_x",
        "Bearer dagy_at_x",
        "Bearer dagy_at_\x00",
        "Bearer dagy_at_ü",
        "Bearer a.b.c",
        "Bearer nothing",
        "Bearer " + "x" * 20_000,
    ],
)
def test_a_header_that_is_none_of_ours_is_refused(services: Services, header: str) -> None:
    with pytest.raises(AuthError, match="not good here"):
        authenticate(services, header)


def test_the_scheme_may_be_spelled_in_any_case(services: Services, owner: Any) -> None:
    authenticate(services, f"bearer  {owner.token}")


def test_sec_06_a_whole_key_that_was_never_made_is_refused(services: Services) -> None:
    with pytest.raises(AuthError, match="not good here"):
        authenticate(services, f"Bearer {new_key()}")


def test_sec_06_a_revoked_key_is_refused_from_the_next_request_on(
    client: Any, owner: Any, new_api_key: Callable[..., Any]
) -> None:
    key = new_api_key(owner)
    assert client.get("/me", headers=key.headers).status_code == 200
    client.delete(f"/api-keys/{key.id}", headers=owner.headers)
    assert client.get("/me", headers=key.headers).status_code == 401


def test_a_key_expires_to_the_microsecond(
    services: Services, owner: Any, new_api_key: Callable[..., Any], clock: Any
) -> None:
    key = new_api_key(owner, expires_at=clock() + 1)
    authenticate(services, _header(key))
    clock.now += 1
    with pytest.raises(TokenExpiredError):
        authenticate(services, _header(key))


def test_a_revoked_token_is_refused(services: Services, owner: Any) -> None:
    with services.database.writing() as connection:
        connection.execute(update(oauth_tokens).values(revoked_at=1))
    with pytest.raises(AuthError, match="not good here"):
        authenticate(services, _header(owner))


@pytest.mark.parametrize("statement", [update(users).values(is_disabled=True), delete(memberships)])
def test_who_was_disabled_or_removed_is_refused_with_all_keys_and_tokens(
    services: Services, owner: Any, new_api_key: Callable[..., Any], statement: Any
) -> None:
    key = new_api_key(owner)
    with services.database.writing() as connection:
        connection.execute(statement)
    for sender in (owner, key):
        with pytest.raises(AuthError):
            authenticate(services, _header(sender))


def test_a_role_that_was_taken_away_is_gone_at_once(
    services: Services, owner: Any, new_api_key: Callable[..., Any]
) -> None:
    key = new_api_key(owner)
    with services.database.writing() as connection:
        connection.execute(update(memberships).values(role="viewer"))
    for sender in (owner, key):
        permissions = authenticate(services, _header(sender)).permissions
        assert permissions == ROLE_PERMISSIONS[Role.VIEWER]


def test_sec_06_what_is_kept_of_a_key_is_not_the_key(
    services: Services, owner: Any, new_api_key: Callable[..., Any]
) -> None:
    key = new_api_key(owner)
    with services.database.reading() as connection:
        assert key.key not in repr(connection.execute(select(api_keys)).all())


def _last_used(services: Services) -> Any:
    with services.database.reading() as connection:
        return connection.scalar(select(api_keys.c.last_used_at))


def test_orch_19_the_last_use_of_a_key_is_known_to_the_minute(
    services: Services, owner: Any, new_api_key: Callable[..., Any], clock: Any
) -> None:
    key = new_api_key(owner)
    begin = clock()
    for seconds, expected in ((0, 0), (59, 0), (1, 60)):
        clock.advance(seconds)
        authenticate(services, _header(key))
        assert (_last_used(services) - begin) // 1_000_000 == expected


def test_a_good_key_is_good_while_nothing_can_be_written(
    services: Services, owner: Any, new_api_key: Callable[..., Any], busy: Any
) -> None:
    key = new_api_key(owner)
    with busy():
        authenticate(services, _header(key))
    assert _last_used(services) is None
