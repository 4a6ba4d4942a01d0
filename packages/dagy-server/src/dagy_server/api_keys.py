"""API keys: made with scopes, shown once, revoked at once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import insert, select, update
from sqlalchemy.engine import Row

from dagy_server import limits
from dagy_server.clock import from_datetime, to_datetime, to_optional_datetime
from dagy_server.database.schema import api_keys
from dagy_server.errors import FieldFault, InvalidFieldsError
from dagy_server.field_types import Filter, Label, Moment, RequestModel
from dagy_server.ids import new_id
from dagy_server.key_tokens import key_hash, new_key, shown_prefix
from dagy_server.listing import Cursor, Limit, Listing, Page
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.transactions import Change, Document, View
from dagy_types import ApiKey, NewApiKey, api_document
from dagy_types.errors import NotFoundError

router = Router("api keys")


class ApiKeyBody(RequestModel):
    """A key to make; without scopes it may do nothing."""

    name: Label
    scopes: Annotated[list[Permission], Field(max_length=limits.SCOPES)] = []
    expires_at: Moment | None = None


@route(
    router,
    "GET",
    "/api-keys",
    needs=Permission.API_KEYS_READ,
    operation="api_keys.list",
    response=Page[ApiKey],
)
def list_api_keys(
    view: View,
    key_prefix: Filter | None = None,
    limit: Limit = limits.PAGE_ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> Document:
    """List the keys of the organisation that are not revoked; the newest first."""
    statement = select(api_keys).where(
        api_keys.c.organisation_id == view.caller.organisation_id, api_keys.c.revoked_at.is_(None)
    )
    if key_prefix is not None:
        statement = statement.where(api_keys.c.key_prefix == shown_prefix(key_prefix))
    listing = Listing(statement, (api_keys.c.created_at, api_keys.c.id))
    return listing.page(view, limit=limit, cursor=cursor, document=_document)


@route(
    router,
    "POST",
    "/api-keys",
    needs=Permission.API_KEYS_WRITE,
    audit="api_key.created",
    operation="api_keys.create",
    response=NewApiKey,
    status=201,
    has_secret=True,
)
def create_api_key(change: Change, body: ApiKeyBody) -> Document:
    """Make a key, which may do what its scopes say and its maker may do, and no more.

    The key is in this answer, and never again.
    """
    for scope in body.scopes:
        change.caller.require(scope)
    expires_at = None if body.expires_at is None else from_datetime(body.expires_at)
    if expires_at is not None and expires_at <= change.now:
        raise InvalidFieldsError([FieldFault("body.expires_at", "it is over already")])
    key, scopes = new_key(), sorted({str(scope) for scope in body.scopes})
    values = {
        "id": new_id("key"),
        "organisation_id": change.caller.organisation_id,
        "name": body.name,
        "key_prefix": shown_prefix(key),
        "key_hash": key_hash(key, change.services.secret),
        "scopes": scopes,
        "created_by": change.caller.user_id,
        "created_at": change.now,
        "expires_at": expires_at,
    }
    row = change.connection.execute(insert(api_keys).values(values).returning(api_keys)).one()
    change.audit(row.id, details={"name": body.name, "scopes": scopes})
    return {**_document(row), "key": key}


@route(
    router,
    "DELETE",
    "/api-keys/{key_id}",
    needs=Permission.API_KEYS_WRITE,
    audit="api_key.revoked",
    operation="api_keys.delete",
    status=204,
)
def delete_api_key(change: Change, key_id: str) -> None:
    """Revoke a key: its next request is refused."""
    is_it = (
        api_keys.c.id == key_id,
        api_keys.c.organisation_id == change.caller.organisation_id,
        api_keys.c.revoked_at.is_(None),
    )
    revoked = change.connection.execute(
        update(api_keys).where(*is_it).values(revoked_at=change.now)
    )
    if revoked.rowcount == 0:
        raise NotFoundError("There is no such API key.", hint="GET /api-keys lists them.")
    change.audit(key_id)


def _document(row: Row[Any]) -> dict[str, Any]:
    return api_document(
        ApiKey(
            key_id=row.id,
            name=row.name,
            key_prefix=row.key_prefix,
            scopes=tuple(row.scopes),
            created_at=to_datetime(row.created_at),
            expires_at=to_optional_datetime(row.expires_at),
            last_used_at=to_optional_datetime(row.last_used_at),
        )
    )
