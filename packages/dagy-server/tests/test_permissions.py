from __future__ import annotations

from itertools import pairwise

import pytest

from dagy_server.permissions import ROLE_PERMISSIONS, Permission, allowed
from dagy_types import Role


def test_an_owner_may_do_everything() -> None:
    assert ROLE_PERMISSIONS[Role.OWNER] == frozenset(Permission)


def test_orch_19_each_role_may_do_what_the_one_below_may() -> None:
    below = (Role.VIEWER, Role.DEVELOPER, Role.ADMIN, Role.OWNER)
    for lower, higher in pairwise(below):
        assert ROLE_PERMISSIONS[lower] <= ROLE_PERMISSIONS[higher]


def test_a_viewer_changes_nothing() -> None:
    assert {str(each).rpartition(".")[2] for each in ROLE_PERMISSIONS[Role.VIEWER]} == {"read"}


@pytest.mark.parametrize(
    "permission", ["flows.write", "runs.trigger", "runs.write", "deployments.write"]
)
def test_a_developer_writes_and_triggers_flows_and_runs(permission: str) -> None:
    assert Permission(permission) in ROLE_PERMISSIONS[Role.DEVELOPER]


@pytest.mark.parametrize("permission", ["members.read", "api_keys.write", "audit.read"])
def test_a_developer_has_no_say_over_people_and_keys(permission: str) -> None:
    assert Permission(permission) not in ROLE_PERMISSIONS[Role.DEVELOPER]


def test_orch_19_without_scopes_a_key_may_do_nothing() -> None:
    assert allowed(Role.OWNER, ()) == frozenset()


def test_scopes_never_allow_more_than_the_role() -> None:
    assert allowed(Role.VIEWER, ("runs.read", "runs.write")) == {Permission.RUNS_READ}


def test_a_role_that_is_not_known_here_allows_nothing() -> None:
    assert allowed(Role.of("emperor"), None) == frozenset()


def test_a_permission_prints_itself() -> None:
    assert f"{Permission.RUNS_READ}" == "runs.read"
