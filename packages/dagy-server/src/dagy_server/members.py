"""The members of an organisation, and their roles."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.engine import Row

from dagy_server import limits
from dagy_server.accounts.emails import LONGEST_EMAIL, normal_email
from dagy_server.accounts.invitations import invite
from dagy_server.accounts.users import add_user, user_by_email
from dagy_server.clock import to_text
from dagy_server.database.inserts import insert_if_absent
from dagy_server.database.schema import (
    api_keys,
    memberships,
    oauth_tokens,
    organisations,
    users,
)
from dagy_server.documents import DocumentModel
from dagy_server.field_types import Label, RequestModel
from dagy_server.listing import Cursor, Limit, Listing, Page
from dagy_server.permissions import Permission
from dagy_server.routing import Router, route
from dagy_server.transactions import Change, Document, View
from dagy_types import Role
from dagy_types.errors import ConflictError, NotFoundError, PermissionDeniedError, UsageError

router = Router("members")


def _email(text: str) -> str:
    try:
        return normal_email(text)
    except UsageError as error:
        raise ValueError(error.message.rstrip(".")) from None


Email = Annotated[str, StringConstraints(max_length=LONGEST_EMAIL), AfterValidator(_email)]


class MemberDocument(DocumentModel):
    """Somebody in the organisation."""

    user_id: str
    email: str
    name: str
    role: Role
    is_disabled: bool
    created_at: datetime


class NewMemberDocument(MemberDocument):
    """Somebody who was just added.

    ``invitation_url`` is where they choose a password, and null where they have one. It is in this
    answer, and never again.
    """

    invitation_url: str | None


class NewMemberBody(RequestModel):
    """Somebody to add."""

    email: Email
    role: Role
    name: Label | None = None


class MemberChangeBody(RequestModel):
    """What is to become of a member."""

    role: Role


_MEMBERS: Select[Any] = select(
    memberships.c.organisation_id,
    memberships.c.user_id,
    memberships.c.role,
    memberships.c.created_at,
    users.c.email,
    users.c.name,
    users.c.is_disabled,
).join(users, users.c.id == memberships.c.user_id)


@route(
    router,
    "GET",
    "/members",
    needs=Permission.MEMBERS_READ,
    operation="members.list",
    response=Page[MemberDocument],
)
def list_members(
    view: View, limit: Limit = limits.PAGE_ITEMS_DEFAULT, cursor: Cursor = None
) -> Document:
    """List the members of the organisation; the newest first."""
    mine = memberships.c.organisation_id == view.caller.organisation_id
    listing = Listing(_MEMBERS.where(mine), (memberships.c.created_at, memberships.c.user_id))
    return listing.page(view, limit=limit, cursor=cursor, document=_document)


@route(
    router,
    "POST",
    "/members",
    needs=Permission.MEMBERS_WRITE,
    audit="member.added",
    operation="members.add",
    response=NewMemberDocument,
    status=201,
    has_secret=True,
)
def add_member(change: Change, body: NewMemberBody) -> Document:
    """Add somebody by their address; who has no account yet, is invited to choose a password."""
    _require_rank(change, body.role)
    organisation_id = change.caller.organisation_id
    user = user_by_email(change.connection, body.email)
    user_id = user.id if user else _add_user(change, body)
    values = {
        "organisation_id": organisation_id,
        "user_id": user_id,
        "role": body.role.value,
        "created_at": change.now,
    }
    if not insert_if_absent(change.connection, memberships, values):
        raise ConflictError(
            f"{body.email} is a member already.", hint="PATCH /members/{user_id} changes the role."
        )
    change.audit(user_id, details={"email": body.email, "role": body.role.value})
    invitation_url = None
    if user is None or user.password_hash is None:
        invitation_url = _invite(change, user_id)
    return {**_document(_member(change, user_id)), "invitation_url": invitation_url}


@route(
    router,
    "PATCH",
    "/members/{user_id}",
    needs=Permission.MEMBERS_WRITE,
    audit="member.changed",
    operation="members.change",
    response=MemberDocument,
)
def change_member(change: Change, user_id: str, body: MemberChangeBody) -> Document:
    """Give a member another role, from their next request on."""
    before = _locked_member(change, user_id)
    _require_rank(change, Role.of(before.role), body.role)
    if body.role is not Role.OWNER:
        _require_another_owner(change, before)
    change.connection.execute(
        update(memberships).where(*_is_member(change, user_id)).values(role=body.role.value)
    )
    change.audit(user_id, details={"from": before.role, "to": body.role.value})
    return _document(_member(change, user_id))


@route(
    router,
    "DELETE",
    "/members/{user_id}",
    needs=Permission.MEMBERS_WRITE,
    audit="member.removed",
    operation="members.remove",
    status=204,
)
def remove_member(change: Change, user_id: str) -> None:
    """Remove a member; their tokens and keys of this organisation are refused from now on."""
    before = _locked_member(change, user_id)
    _require_rank(change, Role.of(before.role))
    _require_another_owner(change, before)
    change.connection.execute(delete(memberships).where(*_is_member(change, user_id)))
    for table, holder in ((oauth_tokens, "user_id"), (api_keys, "created_by")):
        change.connection.execute(
            update(table)
            .where(
                table.c[holder] == user_id,
                table.c.organisation_id == change.caller.organisation_id,
                table.c.revoked_at.is_(None),
            )
            .values(revoked_at=change.now)
        )
    change.audit(user_id, details={"email": before.email, "role": before.role})


def _require_rank(change: Change, *roles: Role) -> None:
    if Role.OWNER in roles and change.caller.role is not Role.OWNER:
        raise PermissionDeniedError(
            "Only an owner makes, changes or removes an owner.", hint="Ask an owner."
        )


def _require_another_owner(change: Change, member: Row[Any]) -> None:
    owners = change.connection.scalar(
        select(func.count())
        .select_from(memberships)
        .where(
            memberships.c.organisation_id == change.caller.organisation_id,
            memberships.c.role == Role.OWNER.value,
            memberships.c.user_id != member.user_id,
        )
    )
    if member.role == Role.OWNER.value and not owners:
        raise ConflictError(
            "The organisation would have no owner.", hint="Make somebody else an owner first."
        )


def _locked_member(change: Change, user_id: str) -> Row[Any]:
    # One change of members at a time, so that two cannot each remove "the other" owner.
    mine = organisations.c.id == change.caller.organisation_id
    change.connection.execute(select(organisations.c.id).where(mine).with_for_update())
    return _member(change, user_id)


def _member(change: Change, user_id: str) -> Row[Any]:
    found = change.connection.execute(_MEMBERS.where(*_is_member(change, user_id))).one_or_none()
    if found is None:
        raise NotFoundError("There is no such member.", hint="GET /members lists them.")
    return found


def _is_member(change: Change, user_id: str) -> tuple[Any, Any]:  # Any: conditions of SQL
    mine = memberships.c.organisation_id == change.caller.organisation_id
    return mine, memberships.c.user_id == user_id


def _add_user(change: Change, body: NewMemberBody) -> str:
    name = body.name or body.email.partition("@")[0]
    return add_user(
        change.connection, email=body.email, name=name, password_hash=None, now=change.now
    )


def _invite(change: Change, user_id: str) -> str | None:
    code = invite(
        change.connection,
        user_id=user_id,
        organisation_id=change.caller.organisation_id,
        created_by=change.caller.user_id,
        now=change.now,
    )
    return code and f"{change.services.settings.origin}/invitation?code={code}"


def _document(row: Row[Any]) -> Document:
    return {
        "user_id": row.user_id,
        "email": row.email,
        "name": row.name,
        "role": row.role,
        "is_disabled": row.is_disabled,
        "created_at": to_text(row.created_at),
    }
