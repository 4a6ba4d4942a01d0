from __future__ import annotations

from dataclasses import replace

import pytest

from dagy_server.callers import Caller, CallerKind
from dagy_server.permissions import Permission
from dagy_types import Role
from dagy_types.errors import PermissionDeniedError

_CALLER = Caller(
    kind=CallerKind.ACCESS_TOKEN,
    organisation_id="org_1",
    user_id="usr_1",
    role=Role.VIEWER,
    permissions=frozenset({Permission.RUNS_READ}),
)


def test_who_lacks_a_permission_is_told_which() -> None:
    _CALLER.require(Permission.RUNS_READ)
    with pytest.raises(PermissionDeniedError, match=r"it needs runs\.write") as refused:
        _CALLER.require(Permission.RUNS_WRITE)
    assert refused.value.hint


_WORKER = replace(_CALLER, kind=CallerKind.WORKER, run_id="abc", artifact_id="art_1")


@pytest.mark.parametrize("path", [{"run_id": "abc"}, {"artifact_id": "art_1"}])
def test_a_worker_may_have_its_own(path: dict[str, str]) -> None:
    _WORKER.require_own(path)


@pytest.mark.parametrize("worker", [_WORKER, replace(_WORKER, artifact_id=None)])
@pytest.mark.parametrize(
    "path", [{}, {"name": "abc"}, {"run_id": "xyz"}, {"artifact_id": "abc"}, {"run_id": "art_1"}]
)
def test_a_worker_may_have_nothing_else(worker: Caller, path: dict[str, str]) -> None:
    with pytest.raises(PermissionDeniedError, match="The worker of run 'abc' may not do this"):
        worker.require_own(path)


def test_others_are_not_bound_to_one_run() -> None:
    _CALLER.require_own({"run_id": "xyz"})
