"""People whom the trusted OpenID provider signs in."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from dagy_server.accounts.emails import normal_email
from dagy_server.accounts.users import add_membership, add_user, user_by_email
from dagy_server.database.schema import external_identities, memberships, organisations, users
from dagy_server.external_issuer import ExternalIdentity, refused
from dagy_types import Role
from dagy_types.errors import AuthError, UsageError


def find_external_user(connection: Connection, identity: ExternalIdentity) -> str | None:
    """Return who a subject of the provider is here; ``None`` when it was never here.

    Raises:
        AuthError: When whoever it is may not be here any more.
    """
    row = connection.execute(
        select(users.c.id, users.c.is_disabled)
        .join(external_identities, external_identities.c.user_id == users.c.id)
        .where(
            external_identities.c.issuer == identity.issuer,
            external_identities.c.subject == identity.subject,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.is_disabled:
        raise refused()
    return str(row.id)


def membership_of(
    connection: Connection, user_id: str, *, organisation_id: str | None
) -> tuple[str, Role]:
    """Return the organisation that somebody works in, the first one where none is asked for.

    Raises:
        AuthError: When they are no member, or not any more.
    """
    statement = (
        select(memberships.c.organisation_id, memberships.c.role)
        .where(memberships.c.user_id == user_id)
        .order_by(memberships.c.created_at, memberships.c.organisation_id)
        .limit(1)
    )
    if organisation_id is not None:
        statement = statement.where(memberships.c.organisation_id == organisation_id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise refused()
    return row.organisation_id, Role.of(row.role)


def add_external_user(
    connection: Connection,
    identity: ExternalIdentity,
    *,
    organisation_id: str | None,
    now: int,
) -> tuple[str, str]:
    """Make a viewer of somebody who comes for the first time; return user and organisation.

    Whoever has an account of the same address already keeps it, and the role: the provider has
    checked the address, and the operator trusts the provider.

    Raises:
        AuthError: When the provider does not tell a checked address, or there is no organisation.
    """
    organisation_id = _organisation(connection, organisation_id)
    email = _email(identity)
    user = user_by_email(connection, email)
    if user is not None and user.is_disabled:
        raise refused()
    user_id = (
        user.id
        if user
        else add_user(
            connection, email=email, name=identity.name or email, password_hash=None, now=now
        )
    )
    connection.execute(
        insert(external_identities).values(
            issuer=identity.issuer, subject=identity.subject, user_id=user_id, created_at=now
        )
    )
    if user is None:
        add_membership(
            connection,
            user_id=user_id,
            organisation_id=organisation_id,
            role=Role.VIEWER,
            now=now,
        )
    return user_id, organisation_id


def _organisation(connection: Connection, organisation_id: str | None) -> str:
    first = select(organisations.c.id).order_by(organisations.c.created_at, organisations.c.id)
    if organisation_id is not None:
        first = first.where(organisations.c.id == organisation_id)
    found = connection.scalar(first.limit(1))
    if found is None:
        raise AuthError(
            "There is no organisation here for you yet.", hint="Ask whoever runs the server."
        )
    return str(found)


def _email(identity: ExternalIdentity) -> str:
    try:
        return normal_email(identity.email or "")
    except UsageError:
        raise AuthError(
            "Your provider does not vouch for an e-mail address of yours.",
            hint="Confirm your address there, and ask it for a token with the email scope.",
        ) from None
