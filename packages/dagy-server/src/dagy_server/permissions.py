"""What one may do here, and which role may do what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from dagy_types import Role


class Permission(str, Enum):
    """A dotted permission: what a route asks for, and what the scopes of keys and tokens name."""

    FLOWS_READ = "flows.read"
    FLOWS_WRITE = "flows.write"
    DEPLOYMENTS_READ = "deployments.read"
    DEPLOYMENTS_WRITE = "deployments.write"
    RUNS_READ = "runs.read"
    RUNS_TRIGGER = "runs.trigger"
    RUNS_WRITE = "runs.write"  # what workers report: task runs, logs
    ARTIFACTS_READ = "artifacts.read"
    ARTIFACTS_WRITE = "artifacts.write"
    API_KEYS_READ = "api_keys.read"
    API_KEYS_WRITE = "api_keys.write"
    MEMBERS_READ = "members.read"
    MEMBERS_WRITE = "members.write"
    AUDIT_READ = "audit.read"

    def __str__(self) -> str:
        return str(self.value)


_READ = frozenset(
    {
        Permission.FLOWS_READ,
        Permission.DEPLOYMENTS_READ,
        Permission.RUNS_READ,
        Permission.ARTIFACTS_READ,
    }
)
_WORK = _READ | {
    Permission.FLOWS_WRITE,
    Permission.DEPLOYMENTS_WRITE,
    Permission.RUNS_TRIGGER,
    Permission.RUNS_WRITE,
    Permission.ARTIFACTS_WRITE,
}

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),  # but only an owner makes, changes or removes an owner
    Role.DEVELOPER: _WORK,
    Role.VIEWER: _READ,
}
"""From each role to all that it may do."""


def allowed(role: Role, scopes: tuple[str, ...] | None) -> frozenset[Permission]:
    """Return what a role may do within scopes; ``None`` limits nothing, no scope allows nothing."""
    permissions = ROLE_PERMISSIONS.get(role, frozenset())
    if scopes is None:
        return permissions
    return frozenset(each for each in permissions if each.value in scopes)
