from __future__ import annotations

import json
import os
import pty
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagy import build_artifact
from dagy.artifacts import open_artifact
from dagy_client.testing import FakeServer

FLOW = """
from pathlib import Path
from dagy import flow, task

Path(__file__).with_name("imported").touch()

@task
def load() -> int:
    return {number}

@task
def save(number: int) -> int:
    return number

@flow(version="{version}")
def daily() -> int:
    return {body}
"""

PROTECTED = "profiles: {prod: {protected: true}}"
WRITES = ("POST", "PUT", "PATCH", "DELETE")

Dagy = Callable[..., Any]
Build = Callable[..., str]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Build an archive; the file ``imported`` beside its flow appears when that is imported."""

    def build(*, number: int = 1, version: str = "1", body: str = "load()") -> str:
        directory = tmp_path / f"flow-{number}-{version}-{len(body)}"
        directory.mkdir(exist_ok=True)
        (directory / "etl.py").write_text(FLOW.format(number=number, version=version, body=body))
        path = build_artifact(f"{directory / 'etl.py'}:daily", f"{directory}.zip")
        (directory / "imported").unlink()
        return str(path)

    return build


@pytest.fixture
def writes(api_server: FakeServer) -> Callable[[], list[str]]:
    """Return the requests since the last time that change something."""
    seen = 0

    def writes() -> list[str]:
        nonlocal seen
        new, seen = api_server.requests[seen:], len(api_server.requests)
        return [f"{each.method} {each.path}" for each in new if each.method in WRITES]

    return writes


def _fields(text: str) -> dict[str, str]:
    lines = [line.split(":", 1) for line in text.splitlines() if ":" in line]
    return {name: value.strip() for name, value in lines}


def test_an_archive_is_deployed_and_described(
    dagy: Dagy, build: Build, api_server: FakeServer, tmp_path: Path
) -> None:
    """CLI-21: nothing has to be said but which archive; SEC-14: none of it is imported."""
    path = build()
    ended = dagy("deploy", path)
    assert (ended.code, ended.err) == (0, "")
    with api_server.client() as client:
        deployment = client.deployments.get("daily")
    with open_artifact(path) as artifact:
        assert _fields(ended.out) == {
            "Deployment": "daily",
            "Flow": "daily (version 1)",
            "Namespace": "-",
            "Tags": "-",
            "Artifact": deployment.artifact_id,
            "Content hash": artifact.manifest.content_hash,
            "SHA-256": artifact.sha256(),
        }
    assert not list(tmp_path.rglob("imported"))


def test_programs_get_one_object(dagy: Dagy, build: Build, api_server: FakeServer) -> None:
    words = ["--deployment", "nightly", "--namespace", "data/in", "--tag", "env=prod"]
    ended = dagy("deploy", build(), *words, "--tag", "team=a=b", "--format", "json")
    document = json.loads(ended.out)
    assert list(document) == [
        *("deployment_name", "flow_name", "flow_version", "namespace", "tags"),
        *("artifact_id", "artifact_s3_uri", "sha256", "content_hash", "is_changed"),
    ]
    assert (document["deployment_name"], document["namespace"]) == ("nightly", "data/in")
    assert document["tags"] == {"env": "prod", "team": "a=b"}
    assert document["is_changed"] is True
    with api_server.client() as client:
        assert client.deployments.get("nightly").tags == document["tags"]


def test_the_same_again_changes_nothing_orch_17(
    dagy: Dagy, build: Build, writes: Callable[[], list[str]]
) -> None:
    path = build()
    first = dagy("deploy", path)
    assert writes() == ["POST /artifacts", "POST /flows"]
    again = dagy("deploy", path)
    assert (again.code, again.out) == (0, first.out)
    assert again.err == "The server has all of this already: nothing was changed.\n"
    assert writes() == []


def test_other_content_under_a_version_is_exit_6_orch_17(
    dagy: Dagy, build: Build, writes: Callable[[], list[str]]
) -> None:
    dagy("deploy", build())
    writes()
    for option in ((), ("--dry-run",)):
        ended = dagy("deploy", build(number=2), *option)
        assert (ended.code, ended.out) == (6, "")
        assert "with other content" in ended.err
        assert '@flow(version="2")' in ended.err
        assert len(ended.err.splitlines()) <= 3
    assert writes() == []


@pytest.mark.parametrize(
    ("option", "given", "packed"),
    [("--flow-name", "weekly", "daily"), ("--flow-version", "9", "1")],
)
def test_what_disagrees_with_the_archive_is_exit_2_and_names_both_cli_21(
    dagy: Dagy, build: Build, api_server: FakeServer, option: str, given: str, packed: str
) -> None:
    ended = dagy("deploy", build(), option, given)
    assert (ended.code, ended.out) == (2, "")
    assert repr(given) in ended.err
    assert repr(packed) in ended.err
    assert api_server.requests == []
    assert dagy("deploy", build(), option, packed).code == 0


def test_an_archive_that_is_not_sound_is_exit_9_before_anything_is_sent(
    dagy: Dagy, build: Build, api_server: FakeServer, tmp_path: Path
) -> None:
    path = Path(build())
    path.write_bytes(path.read_bytes().replace(b"return 1", b"return 7"))
    ended = dagy("deploy", str(path))
    assert (ended.code, ended.out) == (9, "")
    assert "refused" in ended.err
    assert dagy("deploy", str(tmp_path / "none.zip")).code == 5
    assert api_server.requests == []


def test_a_dry_run_shows_all_and_changes_nothing_cli_20(
    dagy: Dagy, build: Build, writes: Callable[[], list[str]]
) -> None:
    dagy("deploy", build(), "--deployment", "nightly")
    writes()
    path = build(version="2", number=2, body="save(load())")
    words = ("deploy", path, "--deployment", "nightly", "--dry-run")
    ended = dagy(*words)
    assert ended.code == 0
    assert re.findall(r"^(\w+) +(load|save)$", ended.out, flags=re.MULTILINE) == [
        ("added", "save"),
        ("changed", "load"),
    ]
    fields = _fields(ended.out)
    with open_artifact(path) as artifact:
        assert fields["Content hash"] == artifact.manifest.content_hash
    assert fields["Upload"] == "needed"
    assert fields["Flow"] == "daily (version 2, new)"
    assert fields["Deployment"] == "nightly (now daily, version 1)"
    assert fields["Compared with"] == "daily (version 1)"
    assert ended.err == (
        "Nothing is changed. Without --dry-run: daily (version 2) as 'nightly': "
        "1 task added, 1 task changed\n"
    )
    document = json.loads(dagy(*words, "--format", "json").out)
    assert document["tasks"] == {"added": ["save"], "changed": ["load"], "removed": []}
    assert document["compared_with"] == {"flow_name": "daily", "flow_version": "1"}
    assert (document["would_change"], document["is_uploaded"]) == (True, False)
    assert writes() == []


@pytest.mark.usefixtures("api_server")
def test_the_exit_code_of_a_dry_run_tells_whether_something_would_change_cli_20(
    dagy: Dagy, build: Build
) -> None:
    path = build()
    assert dagy("deploy", path, "--dry-run", "--exit-code").code == 8
    assert dagy("deploy", path).code == 0
    ended = dagy("deploy", path, "--dry-run", "--exit-code")
    assert ended.code == 0
    assert ended.err == "The server has all of this already: there is nothing to do.\n"
    assert "(as it is)" in ended.out
    ended = dagy("deploy", path, "--exit-code")
    assert ended.code == 2
    assert "--dry-run" in ended.err


@pytest.mark.usefixtures("api_server")
def test_a_first_dry_run_has_nothing_to_compare_with(dagy: Dagy, build: Build) -> None:
    ended = dagy("deploy", build(), "--dry-run")
    assert "Compared with:  - (the server has no version of the flow)" in ended.out
    assert "Deployment:     daily (new)" in ended.out


def test_a_protected_profile_wants_yes_where_nobody_can_be_asked_cli_20(
    dagy: Dagy, build: Build, api_server: FakeServer, config: Callable[[str], Path]
) -> None:
    config(PROTECTED)
    path = build()
    ended = dagy("deploy", path, "--profile", "prod")
    assert (ended.code, ended.out) == (2, "")
    assert "profile 'prod' is protected" in ended.err
    assert "--yes" in ended.err
    assert api_server.requests == []
    assert dagy("deploy", path, "--profile", "prod", "--dry-run").code == 0
    assert dagy("deploy", path, "--profile", "prod", "--yes").code == 0


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_a_protected_profile_asks_on_a_terminal(
    typed: str,
    code: int,
    build: Build,
    config: Callable[[str], Path],
    command_line: Callable[..., list[str]],
    spawn: Callable[..., Any],
    writes: Callable[[], list[str]],
) -> None:
    config(PROTECTED)
    controller, terminal = pty.openpty()
    running = spawn(
        command_line("deploy", build()),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "COLUMNS": "300"},
    )
    os.close(terminal)
    shown = _until(controller, b"[y/N]")
    assert b"Profile 'prod' is protected. At http://127.0.0.1:" in shown
    assert b"daily (version 1) as 'daily': 1 task added. Go on?" in shown
    os.write(controller, typed.encode())
    shown = _until(controller, None)
    assert running.wait(timeout=30) == code
    os.close(controller)
    assert bool(writes()) is (code == 0)
    assert (b"Nothing is deployed" in shown) is (code == 2)


def test_a_terminal_shows_how_far_an_upload_is(
    build: Build, api_server: FakeServer, on_terminal: Callable[..., bytes]
) -> None:
    path = Path(build())
    shown = on_terminal("deploy", str(path), when=lambda _: None)
    line = f"Uploading {path.name}: 100 % of ".encode()
    assert line in shown
    assert shown.endswith(b"\r\x1b[2K")
    assert line not in on_terminal("deploy", str(path), when=lambda _: None)


def _until(terminal: int, end: bytes | None) -> bytes:
    """Return what is shown up to some text, or up to the end."""
    shown = b""
    while end is None or end not in shown:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how Linux tells that the other end is closed
            part = b""
        if not part:
            assert end is None, shown
            break
        shown += part
    return shown
