"""A tool of somebody else that logs in at a provider of somebody else."""

import sys
from pathlib import Path
from urllib.request import Request, urlopen

from dagy_auth import Application, CredentialStores, EnterCode, Notice, OpenUrl, Session
from dagy_types.errors import DagyError


def show(notice: Notice) -> None:
    if isinstance(notice, OpenUrl | EnterCode):
        print("Open", notice.url, getattr(notice, "user_code", ""), file=sys.stderr)


command, issuer, *way = sys.argv[1:]
session = Session(
    issuer,
    Application(client_id="dagy-cli", scopes=("weather.read",)),
    origin=issuer,
    store=CredentialStores(Path.home() / ".weather", service="weather"),
    identity_url=f"{issuer}/me",
    login_hint="Run: weather login",
    notify=show,
)
try:
    if command == "login":
        print(session.login(way=way[0] if way else "auto").location)
    elif command == "logout":
        print("revoked" if session.logout().is_revoked else "deleted")
    else:
        headers = {"Authorization": f"Bearer {session.token_source().token(issuer)}"}
        print(urlopen(Request(f"{issuer}/me", headers=headers)).read().decode())
except DagyError as error:
    sys.exit(f"{error} {error.hint}")
