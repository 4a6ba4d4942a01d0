"""From a token of the trusted OpenID issuer to the caller."""

from __future__ import annotations

from dagy_server import audit
from dagy_server.accounts.external_users import (
    add_external_user,
    find_external_user,
    membership_of,
)
from dagy_server.callers import Caller, CallerKind
from dagy_server.external_issuer import ExternalIdentity
from dagy_server.ids import new_id
from dagy_server.permissions import allowed
from dagy_server.services import Services
from dagy_types.errors import ConflictError


def external_caller(services: Services, token: str) -> Caller | None:
    """Return who sends a token of the configured issuer; ``None`` when there is no such issuer.

    Whoever comes for the first time becomes a viewer.

    Raises:
        AuthError: When it is not one of the issuer's, not for this server, or over.
        NetworkError: When the issuer does not give its keys.
    """
    trusted = services.settings.external_issuer
    if trusted is None or services.external_tokens is None:
        return None
    identity = services.external_tokens.identity(token)
    with services.database.reading() as connection:
        user_id = find_external_user(connection, identity)
    if user_id is None:
        try:
            user_id = _add(services, identity)
        except ConflictError:
            user_id = _add(services, identity)  # who came with another request of theirs just now
    with services.database.reading() as connection:
        organisation_id, role = membership_of(
            connection, user_id, organisation_id=trusted.organisation_id
        )
    return Caller(
        kind=CallerKind.EXTERNAL,
        organisation_id=organisation_id,
        user_id=user_id,
        role=role,
        permissions=allowed(role, None),
    )


def _add(services: Services, identity: ExternalIdentity) -> str:
    trusted = services.settings.external_issuer
    assert trusted is not None
    now = services.clock()
    with services.database.writing() as connection:
        user_id = find_external_user(connection, identity)  # another request may have been first
        if user_id is None:
            user_id, organisation_id = add_external_user(
                connection, identity, organisation_id=trusted.organisation_id, now=now
            )
            audit.record(
                connection,
                at=now,
                organisation_id=organisation_id,
                actor=user_id,
                action="member.provisioned",
                target=user_id,
                request_id=new_id("req"),
                details={"issuer": identity.issuer},
            )
    return user_id
