"""The first owner of a server: whoever can read the console that it was started at."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, exists, insert, select, update

from dagy_server.accounts.users import add_membership, add_user
from dagy_server.database.schema import first_owner_codes, organisations, users
from dagy_server.ids import new_id
from dagy_server.oauth.secrets import hash_of
from dagy_types import Role
from dagy_types.errors import AuthError, ConflictError

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_GROUPS = 4
_GROUP_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOwner:
    """Who takes a server over.

    Attributes:
        email: In its normal form.
        organisation: The name of the first one.
    """

    email: str
    name: str
    organisation: str
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOwner:
    """Who has taken a server over."""

    user_id: str
    organisation_id: str


def has_nobody(connection: Connection) -> bool:
    """Tell whether nobody has an account yet."""
    return not connection.scalar(select(exists(select(users.c.id))))


def new_first_owner_code(connection: Connection, *, now: int) -> str | None:
    """Return a code that makes the first owner; ``None`` when somebody has an account already.

    It takes the place of any earlier one, since only its hash is kept.
    """
    if not has_nobody(connection):
        return None
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP_LENGTH))
    connection.execute(delete(first_owner_codes).where(first_owner_codes.c.used_at.is_(None)))
    connection.execute(insert(first_owner_codes).values(hash=hash_of(letters), created_at=now))
    return "-".join(
        letters[start : start + _GROUP_LENGTH] for start in range(0, len(letters), _GROUP_LENGTH)
    )


def require_first_owner_code(connection: Connection, code: str) -> None:
    """Make sure that a code, as somebody has typed it, makes the first owner.

    Raises:
        ConflictError: When somebody has an account already.
        AuthError: When it is another code.
    """
    if not has_nobody(connection):
        raise ConflictError(
            "This server has its first owner already.", hint="Ask an owner to invite you."
        )
    codes = first_owner_codes.c
    is_good = codes.hash == _hash_of(code), codes.used_at.is_(None)
    if connection.scalar(select(codes.hash).where(*is_good)) is None:
        raise AuthError(
            "That is not the code that the server has printed.",
            hint="A server that was started again has printed another one.",
        )


def make_first_owner(connection: Connection, code: str, owner: FirstOwner, *, now: int) -> NewOwner:
    """Add the first organisation and its owner, for a code.

    Raises:
        ConflictError: When somebody has an account already.
        AuthError: When it is another code.
    """
    require_first_owner_code(connection, code)
    codes = first_owner_codes.c
    is_unused = codes.hash == _hash_of(code), codes.used_at.is_(None)
    used = connection.execute(update(first_owner_codes).where(*is_unused).values(used_at=now))
    if used.rowcount != 1:
        raise ConflictError(
            "Somebody else has just used that code.", hint="Ask them to invite you."
        )
    organisation_id = new_id("org")
    values = {"id": organisation_id, "name": owner.organisation, "created_at": now}
    connection.execute(insert(organisations).values(values))
    user_id = add_user(
        connection,
        email=owner.email,
        name=owner.name,
        password_hash=owner.password_hash,
        now=now,
    )
    add_membership(
        connection, user_id=user_id, organisation_id=organisation_id, role=Role.OWNER, now=now
    )
    return NewOwner(user_id=user_id, organisation_id=organisation_id)


def _hash_of(code: str) -> str:
    return hash_of("".join(each for each in code[:64].upper() if each.isalnum()))
