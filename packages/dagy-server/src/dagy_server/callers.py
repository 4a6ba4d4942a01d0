"""Who makes a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dagy_server.permissions import Permission
from dagy_types import Role
from dagy_types.errors import PermissionDeniedError


class CallerKind(str, Enum):
    """By what a caller is known."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a kind
    API_KEY = "api_key"
    EXTERNAL = "external"
    WORKER = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user, an API key or the worker of a run, in one organisation.

    Attributes:
        user_id: The user; of an API key the one who made it.
        role: That of the user in the organisation, now.
        permissions: What the role allows, within the scopes of the key or token.
        token_id: Of the access token.
        run_id: Of a worker: the one run that it may speak of.
        artifact_id: Of a worker: the one archive that it may have.
    """

    kind: CallerKind
    organisation_id: str
    user_id: str
    role: Role
    permissions: frozenset[Permission]
    api_key_id: str | None = None
    token_id: str | None = None
    run_id: str | None = None
    artifact_id: str | None = None

    @property
    def is_worker(self) -> bool:
        """Whether it is the worker of a run."""
        return self.kind is CallerKind.WORKER

    @property
    def actor(self) -> str:
        """The id under which the caller stands in the audit log and in ``created_by``."""
        if self.is_worker:
            return f"worker:{self.run_id}"
        return self.api_key_id or self.user_id

    def require(self, permission: Permission) -> None:
        """Refuse a caller who lacks a permission.

        Raises:
            PermissionDeniedError: When it does.
        """
        if permission not in self.permissions:
            raise PermissionDeniedError(
                f"You may not do this: it needs {permission}.",
                hint="Ask an owner for a role, or use an API key, that has it.",
            )

    def require_own(self, path: Mapping[str, str]) -> None:
        """Refuse a worker what is not its run or the archive of that.

        Args:
            path: The parts of the path that name things.

        Raises:
            PermissionDeniedError: When it is something else.
        """
        its = (("run_id", self.run_id), ("artifact_id", self.artifact_id))
        if self.is_worker and not any(name in path and path[name] == own for name, own in its):
            raise PermissionDeniedError(
                f"The worker of run {self.run_id!r} may not do this.",
                hint="Use an API key, or log in.",
            )
