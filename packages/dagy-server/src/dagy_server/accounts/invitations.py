"""Invitations: how those who were added by an owner choose their password, once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select, update

from dagy_server.clock import SECOND
from dagy_server.database.schema import (
    external_identities,
    invitations,
    memberships,
    organisations,
    users,
)
from dagy_server.oauth.lifetimes import INVITATION
from dagy_server.oauth.secrets import INVITATION as PREFIX
from dagy_server.oauth.secrets import hash_of, new_secret
from dagy_types import Role
from dagy_types.errors import NotFoundError

_IS_NEW = (
    users.c.password_hash.is_(None),
    users.c.is_disabled.is_(False),
    ~exists().where(external_identities.c.user_id == users.c.id),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What somebody is invited to."""

    user_id: str
    email: str
    organisation_id: str
    organisation: str
    role: Role


def invite(
    connection: Connection, *, user_id: str, organisation_id: str, created_by: str, now: int
) -> str | None:
    """Return the code by which a new member chooses a password, within a week.

    There is none for somebody who can sign in already, or belongs to another organisation as well:
    whoever has the code becomes that person. It takes the place of earlier ones.
    """
    is_new = *_IS_NEW, users.c.id == user_id, _belongs_only_to(organisation_id)
    if connection.scalar(select(users.c.id).where(*is_new)) is None:
        return None
    code = new_secret(PREFIX)
    is_earlier = (
        invitations.c.organisation_id == organisation_id,
        invitations.c.user_id == user_id,
        invitations.c.used_at.is_(None),
    )
    connection.execute(delete(invitations).where(*is_earlier))
    connection.execute(
        insert(invitations).values(
            hash=hash_of(code),
            organisation_id=organisation_id,
            user_id=user_id,
            created_by=created_by,
            created_at=now,
            expires_at=now + INVITATION * SECOND,
        )
    )
    return code


def find_invitation(connection: Connection, code: str, *, now: int) -> Invitation:
    """Return what a code invites to.

    Raises:
        NotFoundError: When it invites to nothing, or does not any more.
    """
    row = connection.execute(
        select(
            invitations.c.user_id,
            invitations.c.organisation_id,
            users.c.email,
            organisations.c.name,
            memberships.c.role,
        )
        .join(users, users.c.id == invitations.c.user_id)
        .join(organisations, organisations.c.id == invitations.c.organisation_id)
        .join(
            memberships,
            (memberships.c.user_id == invitations.c.user_id)
            & (memberships.c.organisation_id == invitations.c.organisation_id),
        )
        .where(
            invitations.c.hash == hash_of(code),
            invitations.c.used_at.is_(None),
            invitations.c.expires_at > now,
            _belongs_only_to(invitations.c.organisation_id),
            *_IS_NEW,
        )
    ).one_or_none()
    if row is None:
        raise _over()
    return Invitation(
        user_id=row.user_id,
        email=row.email,
        organisation_id=row.organisation_id,
        organisation=row.name,
        role=Role.of(row.role),
    )


def accept_invitation(
    connection: Connection, code: str, *, name: str, password_hash: str, now: int
) -> Invitation:
    """Give somebody who is invited a name and a password.

    Raises:
        NotFoundError: When the code invites to nothing, or does not any more.
    """
    invitation = find_invitation(connection, code, now=now)
    is_unused = invitations.c.hash == hash_of(code), invitations.c.used_at.is_(None)
    used = connection.execute(update(invitations).where(*is_unused).values(used_at=now))
    if used.rowcount != 1:
        raise _over()
    connection.execute(
        update(users)
        .where(users.c.id == invitation.user_id)
        .values(name=name, password_hash=password_hash)
    )
    return invitation


def _belongs_only_to(organisation_id: str | ColumnElement[str]) -> ColumnElement[bool]:
    others = memberships.alias()
    is_other = others.c.user_id == users.c.id, others.c.organisation_id != organisation_id
    return ~exists().where(*is_other)


def _over() -> NotFoundError:
    return NotFoundError(
        "This invitation is not valid, or not any more.",
        hint="Ask whoever has invited you for another one.",
    )
