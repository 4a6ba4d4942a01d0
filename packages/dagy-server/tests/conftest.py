from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from argon2 import PasswordHasher
from fastapi import FastAPI
from httpx import Client, Response
from hypothesis import settings as hypothesis_settings
from sqlalchemy import insert, text

from dagy import build_artifact
from dagy.artifacts import open_artifact
from dagy_server import Settings
from dagy_server.accounts.passwords import Passwords
from dagy_server.app import ROUTERS, build_app
from dagy_server.clock import DAY, SECOND
from dagy_server.database.engine import Database
from dagy_server.database.schema import (
    api_keys,
    memberships,
    metadata,
    oauth_tokens,
    organisations,
    users,
)
from dagy_server.database.versions import prepare_database
from dagy_server.ids import new_id
from dagy_server.key_tokens import key_hash, new_key, shown_prefix
from dagy_server.oauth.secrets import hash_of, new_secret
from dagy_server.permissions import Permission
from dagy_server.routing import Router
from dagy_server.services import Services, open_services
from dagy_types import Role, flow_spec_to_json

with warnings.catch_warnings():
    # Newer ones would rather have httpx2, which is not among our dependencies.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PASSWORD = "correct horse battery"
QUICK_PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))

hypothesis_settings.register_profile("no deadline", deadline=None)
hypothesis_settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def no_real_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("DAGY_LOCAL_DIR", "DAGY_TOKEN", "DAGY_SERVER_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


@dataclass
class FakeClock:
    """A server's time; it stands still until a test moves it."""

    now: int = 1_793_534_400 * SECOND  # 2026-11-01T12:00:00Z

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@dataclass(frozen=True)
class Member:
    """Somebody in an organisation, with a token; ``headers`` make a request theirs."""

    user_id: str
    email: str
    organisation_id: str
    role: Role
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Key:
    """An API key; ``headers`` make a request its."""

    id: str
    organisation_id: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Put a database with empty tables somewhere: a copy, as making one takes longer."""
    template = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(f"sqlite:///{template}")
    prepare_database(database)
    database.close()

    def copy(path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(template, path)

    return copy


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """A real PostgreSQL with empty tables."""
    from postgres_cluster import PACKAGES, is_installed, postgres_cluster

    if not is_installed() and not os.environ.get("CI"):
        pytest.skip(f"there is no PostgreSQL; run: apt-get install {PACKAGES}")
    with postgres_cluster() as url:
        database = Database(url.format("postgres"))
        prepare_database(database)
        yield database
        database.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """A database with empty tables; ``None`` for the one in the directory of the server.

    DAGY_TEST_POSTGRES=1 runs every test that has a server on PostgreSQL.
    """
    if not os.environ.get("DAGY_TEST_POSTGRES"):
        yield None
        return
    database: Database = request.getfixturevalue("postgres")
    yield database.engine.url.render_as_string(hide_password=False)
    with database.writing() as connection:
        # The version of the tables is in none of these.
        connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY"))


_MEMORY = Path("/dev/shm")


@pytest.fixture
def server_directory(tmp_path: Path) -> Iterator[Path]:
    """Where the server of a test keeps all: in memory, where there is such a place.

    Its commits wait for the disk as ever, and such a disk takes no time.
    """
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else tmp_path
    with TemporaryDirectory(prefix="dagy-server-", dir=place) as directory:
        yield Path(directory) / "server"


@pytest.fixture
def settings(
    server_directory: Path,
    new_database: Callable[[Path], None],
    database_url: str | None,
    request: pytest.FixtureRequest,
) -> Settings:
    if database_url is None:
        new_database(server_directory / "dagy-server.db")
    many = 1_000_000
    return Settings(
        data_directory=server_directory,
        database_url=database_url,
        requests_per_minute=many,
        request_burst=many,
        # Those who want it to be busy do not want to wait for long.
        busy_timeout_seconds=0.1 if "busy" in request.fixturenames else 30,
    )


@pytest.fixture(scope="module")
def extra_routers() -> tuple[Router, ...]:
    """Routes besides the server's own; a module of tests that wants some has a fixture for it."""
    return ()


@pytest.fixture(scope="session")
def usual_app() -> FastAPI:
    """The routes of the server: they are the same for all tests, and take long to build."""
    return build_app()


@pytest.fixture(scope="module")
def routed_app(usual_app: FastAPI, extra_routers: tuple[Router, ...]) -> FastAPI:
    """The app of all tests of a module, each of which gives it services of its own."""
    return build_app((*ROUTERS, *extra_routers)) if extra_routers else usual_app


@pytest.fixture
def app(routed_app: FastAPI, settings: Settings, clock: FakeClock) -> Iterator[FastAPI]:
    routed_app.state.services = open_services(settings, clock=clock)
    yield routed_app
    routed_app.state.services.close()


@pytest.fixture(scope="session")
def test_client() -> Callable[[FastAPI], TestClient]:
    """Make the client of an app; as a context manager, it shuts the app down."""

    def test_client(app: FastAPI) -> TestClient:
        return TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False)

    return test_client


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """The event loop of all clients: to begin and to end one takes longer than most tests."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def client(
    app: FastAPI, test_client: Callable[[FastAPI], TestClient], portal: BlockingPortal
) -> Iterator[TestClient]:
    client = test_client(app)
    client.portal = portal
    yield client
    client.close()


@pytest.fixture
def listening_server() -> Callable[[FastAPI], AbstractContextManager[str]]:
    """Serve an app from a real socket in a thread beside, and return its URL."""

    @contextmanager
    def listening_server(app: FastAPI) -> Iterator[str]:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=10)
        config.load()  # here: two threads that load modules at once can be in each other's way
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            listening.close()

    return listening_server


class Forms(HTMLParser):
    """The forms of a page: where each goes, how, and what it sends when it is left as it is."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((attributes["method"], attributes["action"], {}))
        elif tag == "input":
            self.found[-1][2][attributes["name"]] = attributes.get("value", "")


class PageBrowser:
    """A browser that shows one page at a time, and keeps cookies as its client does."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def open(self, path: str) -> Response:
        return self.client.get(path)

    def submit(self, page: Response, **values: str) -> Response:
        """Fill in the first form of a page, and send it as browsers do."""
        method, action, fields = Forms(page.text).found[0]
        fields |= values
        target = page.url.join(action)
        if method == "get":
            return self.client.get(target, params=fields)
        origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
        return self.client.post(target, data=fields, headers={"Origin": origin})

    def sign_in(self, email: str, password: str = PASSWORD) -> Response:
        return self.submit(self.open("/sign-in"), email=email, password=password)


@pytest.fixture
def browser(client: TestClient) -> PageBrowser:
    return PageBrowser(client)


@pytest.fixture
def browse() -> Callable[[Client], PageBrowser]:
    """Make a browser of any client."""
    return PageBrowser


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD."""
    return QUICK_PASSWORDS.hash(PASSWORD)


@pytest.fixture
def ada(new_member: Callable[..., Member], organisation: str, password_hash: str) -> Member:
    """A developer with the password PASSWORD."""
    return new_member(
        organisation, Role.DEVELOPER, email="ada@example.com", password_hash=password_hash
    )


@pytest.fixture
def services(client: TestClient, app: FastAPI) -> Services:
    services = app.state.services
    assert isinstance(services, Services)
    return services


@pytest.fixture
def busy(services: Services, settings: Settings) -> Callable[[], AbstractContextManager[None]]:
    """Let another program hold the database, so that nothing can be written."""

    @contextmanager
    def busy() -> Iterator[None]:
        other = Database(settings.database)
        with other.writing() as connection:
            if not other.is_sqlite:
                names = ", ".join(metadata.tables)
                connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
            yield
        other.close()

    return busy


@pytest.fixture
def new_organisation(services: Services, clock: FakeClock) -> Callable[..., str]:
    def new_organisation(name: str = "Acme") -> str:
        organisation_id = new_id("org")
        values = {"id": organisation_id, "name": name, "created_at": clock()}
        with services.database.writing() as connection:
            connection.execute(insert(organisations).values(values))
        return organisation_id

    return new_organisation


@pytest.fixture
def new_member(services: Services, clock: FakeClock) -> Callable[..., Member]:
    """Add somebody with a role, and log them in."""

    def new_member(
        organisation_id: str,
        role: Role = Role.OWNER,
        *,
        email: str | None = None,
        password_hash: str | None = None,
        scopes: tuple[str, ...] | None = None,
    ) -> Member:
        user_id, token = new_id("usr"), new_secret("dagy_at_")
        email = email or f"{user_id}@example.com"
        with services.database.writing() as connection:
            connection.execute(
                insert(users).values(
                    id=user_id,
                    email=email,
                    password_hash=password_hash,
                    name=user_id,
                    is_disabled=False,
                    created_at=clock(),
                )
            )
            connection.execute(
                insert(memberships).values(
                    organisation_id=organisation_id,
                    user_id=user_id,
                    role=role.value,
                    created_at=clock(),
                )
            )
            connection.execute(
                insert(oauth_tokens).values(
                    id=new_id("tok"),
                    family_id=new_id("fam"),
                    user_id=user_id,
                    client_id="dagy-cli",
                    organisation_id=organisation_id,
                    access_hash=hash_of(token),
                    scopes=None if scopes is None else list(scopes),
                    issued_at=clock(),
                    access_expires_at=clock() + 30 * DAY,
                )
            )
        return Member(user_id, email, organisation_id, role, token)

    return new_member


@pytest.fixture
def new_api_key(services: Services, clock: FakeClock) -> Callable[..., Key]:
    """Add a key that somebody has made."""

    def new_api_key(
        member: Member,
        scopes: tuple[str, ...] = tuple(map(str, Permission)),
        *,
        expires_at: int | None = None,
        revoked_at: int | None = None,
    ) -> Key:
        key_id, key = new_id("key"), new_key()
        with services.database.writing() as connection:
            connection.execute(
                insert(api_keys).values(
                    id=key_id,
                    organisation_id=member.organisation_id,
                    name="a key",
                    key_prefix=shown_prefix(key),
                    key_hash=key_hash(key, services.secret),
                    scopes=list(scopes),
                    created_by=member.user_id,
                    created_at=clock(),
                    expires_at=expires_at,
                    revoked_at=revoked_at,
                )
            )
        return Key(key_id, member.organisation_id, key)

    return new_api_key


@pytest.fixture
def organisation(new_organisation: Callable[..., str]) -> str:
    return new_organisation()


@pytest.fixture
def owner(organisation: str, new_member: Callable[..., Member]) -> Member:
    return new_member(organisation, email="owner@example.com")


@pytest.fixture
def developer(organisation: str, new_member: Callable[..., Member]) -> Member:
    return new_member(organisation, Role.DEVELOPER)


@pytest.fixture
def viewer(organisation: str, new_member: Callable[..., Member]) -> Member:
    return new_member(organisation, Role.VIEWER)


@pytest.fixture
def other_organisation(
    new_organisation: Callable[..., str], new_member: Callable[..., Member]
) -> Member:
    """The owner of another organisation."""
    return new_member(new_organisation("Other"))


@pytest.fixture(autouse=True)
def no_fault_of_the_server(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever the server logs as its own fault fails the test, unless that clears the log."""
    yield
    faults = [each for each in caplog.get_records("call") if each.levelno >= logging.ERROR]
    assert not faults, [each.getMessage() for each in faults]


PACKED_FLOW = """
from pathlib import Path
from dagy import flow, task

if not Path(__file__).with_name("built").exists():
    Path(__file__).with_name("imported").touch()

@task
def load() -> int:
    return {number}

@flow(name="packed", version="1")
def packed() -> int:
    return load()
"""


@dataclass(frozen=True)
class Packed:
    """An archive of a flow, and the graph in it as JSON.

    Attributes:
        canary: Where there is a file once the flow is imported again.
    """

    content: bytes
    flow_spec: dict[str, Any]
    canary: Path

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Packed]:
    """Build the archive of a flow; another number is other code."""

    def pack(number: int = 1) -> Packed:
        directory = tmp_path / f"project{number}"
        directory.mkdir()
        (directory / "packed.py").write_text(PACKED_FLOW.replace("{number}", str(number)))
        mark = directory / "built"
        mark.touch()
        path = build_artifact(f"{directory / 'packed.py'}:packed", tmp_path / f"{number}.zip")
        mark.unlink()
        with open_artifact(path) as artifact:
            spec = json.loads(flow_spec_to_json(artifact.flow_spec))
        return Packed(path.read_bytes(), spec, directory / "imported")

    return pack


@pytest.fixture
def upload(client: TestClient) -> Callable[..., str]:
    """Upload bytes as somebody, and return the id of the artifact."""

    def upload(member: Member, content: bytes) -> str:
        headers = {**member.headers, "X-Content-SHA256": hashlib.sha256(content).hexdigest()}
        answer = client.post("/artifacts", content=content, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["artifact_id"])

    return upload


FLOW_SPEC = {
    "name": "daily",
    "version": "1",
    "tasks": [
        {"task_id": "load", "name": "load"},
        {"task_id": "part", "name": "part", "depends_on": ["load"], "is_mapped": True},
        {"task_id": "save", "name": "save", "depends_on": ["part"]},
        {"task_id": "save-2", "name": "save", "depends_on": ["part"]},
    ],
    "outputs": ["save"],
}


@pytest.fixture
def new_flow(client: TestClient) -> Callable[..., None]:
    """Register a flow as somebody."""

    def new_flow(member: Member, name: str = "daily", version: str = "1", **values: object) -> None:
        spec = {**FLOW_SPEC, "name": name, "version": version}
        answer = client.post("/flows", json={"flow_spec": spec, **values}, headers=member.headers)
        assert answer.status_code in (200, 201), answer.text

    return new_flow


@pytest.fixture
def new_run(client: TestClient, new_flow: Callable[..., None]) -> Callable[..., str]:
    """Register a flow as somebody, trigger a run of it, and return its id."""

    def new_run(member: Member, flow_name: str = "daily", **values: object) -> str:
        new_flow(member, flow_name)
        answer = client.post(
            "/runs", json={"flow_name": flow_name, **values}, headers=member.headers
        )
        assert answer.status_code == 201, answer.text
        run_id = answer.json()["run_id"]
        assert isinstance(run_id, str)
        return run_id

    return new_run


@pytest.fixture
def new_work(
    client: TestClient, pack: Callable[..., Packed], upload: Callable[..., str]
) -> Callable[..., str]:
    """Trigger a run as somebody that a worker is to carry out, and return its id."""
    packed = pack()

    def new_work(member: Member, **values: object) -> str:
        body = {
            "flow_spec": packed.flow_spec,
            "artifact_id": upload(member, packed.content),
            "deployment_name": "packed",
        }
        answer = client.post("/flows", json=body, headers=member.headers)
        assert answer.status_code in (200, 201), answer.text
        body = {"deployment_name": "packed", **values}
        answer = client.post("/runs", json=body, headers=member.headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["run_id"])

    return new_work
