from __future__ import annotations

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
