"""Who makes a request."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user or an API key, in one organisation.

    Attributes:
        user_id: The user; of an API key the one who made it.
        role: That of the user in the organisation, now.
        permissions: What the role allows, within the scopes of the key or token.
        token_id: Of the access token.
    """

    kind: CallerKind
    organisation_id: str
    user_id: str
    role: Role
    permissions: frozenset[Permission]
    api_key_id: str | None = None
    token_id: str | None = None

    @property
    def actor(self) -> str:
        """The id under which the caller stands in the audit log and in ``created_by``."""
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
