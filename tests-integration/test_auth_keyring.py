"""The installed dagy-auth with a real keyring, and on a machine without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from installed import Environment, run

PROGRAMS = ("dbus-daemon", "dbus-send", "gnome-keyring-daemon")
PATIENCE_SECONDS = 30  # only a test that fails waits for so long

CHOOSE = """
import sys
from pathlib import Path
from dagy_auth import CredentialStores

stores = CredentialStores(Path(sys.argv[1]), service="dagy-test")
store = stores.for_login(on_fallback=print)
print(store.location, store.is_encrypted)
"""

SAVE = (
    CHOOSE
    + """
from dagy_auth import Secret, TokenSet

for name in ("prod", "Prod"):
    store.save(name, TokenSet(access_token=Secret(name * 4096), origin="https://api.example.com:443"))
"""
)

LOAD = """
import sys
from pathlib import Path
from dagy_auth import CredentialStores

stores = CredentialStores(Path(sys.argv[1]), service="dagy-test")
for name in ("prod", "Prod"):
    store = stores.for_name(name)
    print(store.load(name).access_token.reveal() == name * 4096, store.location)
"""

DELETE = """
import sys
from pathlib import Path
from dagy_auth import CredentialStores

stores = CredentialStores(Path(sys.argv[1]), service="dagy-test")
print([stores.for_name(name).delete(name) for name in ("prod", "Prod")])
"""

ENTRIES = """
from contextlib import closing
import secretstorage

with closing(secretstorage.dbus_init()) as bus:
    items = secretstorage.get_default_collection(bus).search_items({"service": "dagy-test"})
    print(sorted(len(item.get_secret()) for item in items))
"""


@pytest.fixture(scope="module")
def environment(make_environment: Callable[[str], Environment]) -> Environment:
    return make_environment("dagy-auth")


@pytest.fixture
def session(environ: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a desktop session of its own: a bus, and a keyring that is unlocked."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=os.defpath) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing
    for directory in ("home", "runtime"):
        (tmp_path / directory).mkdir(mode=0o700)
    environ = {**environ, "XDG_RUNTIME_DIR": str(tmp_path / "runtime")}
    with running(["dbus-daemon", "--session", "--nofork", "--print-address"], environ) as bus:
        assert bus.stdout is not None
        environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        command = ["gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets"]
        with running(command, environ, given="the master password") as keyring:
            wait_until(lambda: keyring.poll() is not None or has_secret_service(environ))
            assert keyring.poll() is None
            yield environ


@contextmanager
def running(
    command: list[str], environ: dict[str, str], *, given: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """Keep a program running that is given something to read."""
    process = subprocess.Popen(
        command,
        env=environ,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            assert process.stdin is not None
            process.stdin.write(given)
            process.stdin.close()
            yield process
        finally:
            process.terminate()


def has_secret_service(environ: dict[str, str]) -> bool:
    command = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus"]
    method = ["/", "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]
    return "true" in run([*command, *method], env=environ).stdout


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def printed(
    environment: Environment, program: str, directory: Path, environ: dict[str, str]
) -> list[str]:
    command = [environment.python, "-W", "error", "-c", program, directory]
    return run(command, env=environ, stdin=subprocess.DEVNULL).stdout.splitlines()


def test_a_login_is_kept_in_the_keyring_of_the_desktop(
    environment: Environment, session: dict[str, str], tmp_path: Path
) -> None:
    """Each step is a process of its own, as commands are."""
    directory = tmp_path / "directory"
    keyring = "the keyring (SecretService Keyring)"
    assert printed(environment, SAVE, directory, session) == [f"{keyring} True"]
    assert printed(environment, LOAD, directory, session) == [f"True {keyring}"] * 2
    assert printed(environment, ENTRIES, directory, session) == ["[44, 44]"]
    assert "prodprod" not in (directory / "credentials.sealed.json").read_text()
    assert printed(environment, DELETE, directory, session) == ["[True, True]"]
    assert printed(environment, ENTRIES, directory, session) == ["[]"]
    assert list(directory.iterdir()) == []


def test_without_the_desktop_session_its_tokens_stay_and_the_reason_is_told(
    environment: Environment, session: dict[str, str], environ: dict[str, str], tmp_path: Path
) -> None:
    """The same user over SSH, say: nothing is lost, nothing hangs."""
    directory = tmp_path / "directory"
    printed(environment, SAVE, directory, session)
    command = [environment.python, "-c", LOAD, directory]
    ended = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert "CredentialStoreError: The keyring cannot be used: there is none." in ended.stderr
    assert len(printed(environment, LOAD, directory, session)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have a keyring without D-Bus")
def test_without_a_session_bus_the_file_is_taken_and_the_reason_told(
    environment: Environment, environ: dict[str, str], tmp_path: Path
) -> None:
    """AUTH-01: no session bus, no display."""
    directory = tmp_path / "directory"
    file = directory / "credentials.json"
    begin = time.monotonic()
    told = printed(environment, SAVE, directory, environ)
    assert time.monotonic() - begin < 2
    assert told == ["The keyring cannot be used: there is none.", f"{file} False"]
    assert (file.stat().st_mode & 0o777, directory.stat().st_mode & 0o777) == (0o600, 0o700)
    assert printed(environment, LOAD, directory, environ) == [f"True {file}"] * 2
    assert printed(environment, DELETE, directory, environ) == ["[True, True]"]
    assert list(directory.iterdir()) == []
