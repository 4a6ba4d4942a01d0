"""Whether somebody is who they say, by e-mail and password."""

from __future__ import annotations

from dagy_server.accounts.emails import normal_email
from dagy_server.accounts.users import User, user_by_email
from dagy_server.services import Services


def find_by_password(services: Services, email: str, password: str) -> User | None:
    """Return whose e-mail and password these are; ``None`` when they are nobody's.

    An address that nobody has takes as long as a wrong password. No transaction is open meanwhile.

    Raises:
        UsageError: When it is no e-mail address.
    """
    email = normal_email(email)
    with services.database.reading() as connection:
        user = user_by_email(connection, email)
    kept = None if user is None or user.is_disabled else user.password_hash
    return user if services.passwords.matches(password, kept) else None
