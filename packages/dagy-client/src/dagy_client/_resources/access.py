"""Who may use the API: people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from dagy_client import _operations as operations
from dagy_client._calls import Call, ListCall, listing, operation_call
from dagy_client._methods import Resource, many_values, one_value
from dagy_types import Account, ApiKey, ApiKeyRequest, NewApiKey

S = TypeVar("S")


class ApiKeys(Resource[S]):
    """Keys for programs."""

    @many_values
    def list(self, *, limit: int | None = None) -> ListCall[ApiKey]:
        """Iterate over the keys, the newest first, without their secrets."""
        return listing(operations.API_KEYS_LIST, limit=limit)

    @one_value
    def create(
        self, name: str, *, scopes: Sequence[str], idempotency_key: str | None = None
    ) -> Call[NewApiKey]:
        """Make a key and return it with its secret, which nobody can get again.

        Args:
            scopes: What it is limited to; with none it may do all that its owner may.
        """
        return operation_call(
            operations.API_KEYS_CREATE,
            body=ApiKeyRequest(name=name, scopes=tuple(scopes)),
            idempotency_key=idempotency_key,
        )

    @one_value
    def delete(self, key_id: str) -> Call[None]:
        """Delete a key; it stops working at once.

        Raises:
            NotFoundError: When there is no such key.
        """
        return operation_call(operations.API_KEYS_DELETE, {"key_id": key_id})


class Users(Resource[S]):
    """People."""

    @one_value
    def me(self) -> Call[Account]:
        """Return who the token belongs to, with the organisation's name."""
        return operation_call(operations.USERS_ME)
