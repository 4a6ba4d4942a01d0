"""A tool that logs in at the provider: `tool.py COMMAND ISSUER DIRECTORY`, a process for each."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import authlib.oauth2  # noqa: F401 - what is slow comes before the tool is ready
import httpx  # noqa: F401

from dagy_auth import (
    Application,
    CredentialStores,
    EnterCode,
    Notice,
    OpenUrl,
    Session,
    discover,
    fetch_identity,
    login,
    login_with_device,
)
from dagy_types.errors import DagyError

command, issuer, directory = sys.argv[1:]
scopes = ("openid", "email", "offline_access")
tool = Application(client_id="tool", scopes=scopes)
weather_tool = Application(
    client_id="tool", scopes=(*scopes, "weather.read"), resource=f"{issuer}/weather"
)
stores = CredentialStores(Path(directory), storage="file")


def show(notice: Notice) -> None:
    if isinstance(notice, OpenUrl | EnterCode):
        print(notice.url, getattr(notice, "user_code", ""), flush=True)


def pause(*_: float) -> None:
    print("waiting", flush=True)
    sys.stdin.readline()


def session(application: Application = tool, *, identity_url: str | None = None) -> Session:
    return Session(
        issuer,
        application,
        origin=issuer,
        store=stores,
        identity_url=identity_url,
        login_hint="Run: tool login",
        notify=show,
    )


def run() -> None:
    if command == "discover":
        print(json.dumps(asdict(discover(issuer))))
    elif command == "login":
        session().login(way="browser", open_browser=None)
    elif command == "login-for-resource":
        session(weather_tool).login(way="browser", open_browser=None)
    elif command == "login-and-verify":
        asked = session(identity_url=discover(issuer).userinfo_endpoint)
        result = asked.login(way="browser", open_browser=None)
        print(result.tokens.email, result.tokens.subject)
    elif command in ("login-with-code", "login-with-code-for-resource"):
        found = discover(issuer)
        application = tool if command == "login-with-code" else weather_tool
        login(
            stores.for_login(),
            "default",
            obtain=lambda: login_with_device(
                found, application, origin=issuer, notify=show, wait=pause
            ),
        )
    elif command == "token":
        pause()
        print(session().token_source().token(issuer))
    elif command == "whoami":
        found = discover(issuer)
        assert found.userinfo_endpoint is not None
        print(fetch_identity(found.userinfo_endpoint, session().token_source()).email)
    elif command == "logout":
        print("revoked" if session().logout().is_revoked else "deleted")


try:
    run()
except DagyError as error:
    sys.exit(f"{type(error).__name__}: {error} {error.hint}")
