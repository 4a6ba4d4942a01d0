"""People with an account, as the database has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, insert, select

from dagy_server.database.schema import memberships, organisations, users
from dagy_server.ids import new_id
from dagy_types import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with an account.

    Attributes:
        password_hash: ``None`` for those who have not chosen a password, or need none.
    """

    id: str
    email: str
    name: str
    password_hash: str | None = field(repr=False)
    is_disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOrganisation:
    """An organisation that somebody belongs to."""

    id: str
    name: str
    role: Role


def user_by_email(connection: Connection, email: str) -> User | None:
    """Return whose address this is, in its normal form; ``None`` when it is nobody's."""
    row = connection.execute(select(users).where(users.c.email == email)).one_or_none()
    return None if row is None else read_user(row)


def read_user(row: Row[tuple[object, ...]]) -> User:
    """Return the user of a row that has the columns of `users`."""
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        password_hash=row.password_hash,
        is_disabled=row.is_disabled,
    )


def add_user(
    connection: Connection, *, email: str, name: str, password_hash: str | None, now: int
) -> str:
    """Add somebody, and return the new id."""
    user_id = new_id("usr")
    connection.execute(
        insert(users).values(
            id=user_id,
            email=email,
            name=name,
            password_hash=password_hash,
            is_disabled=False,
            created_at=now,
        )
    )
    return user_id


def add_membership(
    connection: Connection, *, user_id: str, organisation_id: str, role: Role, now: int
) -> None:
    """Make somebody a member of an organisation."""
    connection.execute(
        insert(memberships).values(
            organisation_id=organisation_id, user_id=user_id, role=role.value, created_at=now
        )
    )


def organisations_of(connection: Connection, user_id: str) -> tuple[UserOrganisation, ...]:
    """Return what somebody belongs to, the longest membership first."""
    rows = connection.execute(
        select(organisations.c.id, organisations.c.name, memberships.c.role)
        .join(memberships, memberships.c.organisation_id == organisations.c.id)
        .where(memberships.c.user_id == user_id)
        .order_by(memberships.c.created_at, organisations.c.id)
    )
    return tuple(UserOrganisation(id=row.id, name=row.name, role=Role.of(row.role)) for row in rows)
