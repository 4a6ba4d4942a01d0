"""Who the caller is."""

from __future__ import annotations

from sqlalchemy import select

from dagy_server.database.schema import organisations, users
from dagy_server.documents import DocumentModel
from dagy_server.routing import SIGNED_IN, Router, route
from dagy_server.transactions import Document, View
from dagy_types import Role

router = Router("me")


class MeDocument(DocumentModel):
    """Who the caller is; of an API key, who made it."""

    user_email: str
    org_id: str
    role: Role


class UserDocument(MeDocument):
    """Who the caller is, and where."""

    org_name: str
    super_admin: bool


@route(router, "GET", "/me", needs=SIGNED_IN, operation="me", response=MeDocument)
def me(view: View) -> Document:
    """Tell who the caller is; of an API key, who made it."""
    email = view.connection.scalar(select(users.c.email).where(users.c.id == view.caller.user_id))
    return {
        "user_email": email,
        "org_id": view.caller.organisation_id,
        "role": view.caller.role.value,
    }


@route(router, "GET", "/users/me", needs=SIGNED_IN, operation="users.me", response=UserDocument)
def users_me(view: View) -> Document:
    """Tell who the caller is, and in which organisation."""
    organisation_id = view.caller.organisation_id
    is_it = organisations.c.id == organisation_id
    name = view.connection.scalar(select(organisations.c.name).where(is_it))
    return {**me(view), "org_name": name, "super_admin": False}
