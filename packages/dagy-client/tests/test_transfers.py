"""HTTP-21: archives both ways, in constant memory, whole or not at all."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from dagy_client import (
    ApiAnswerError,
    ApiChecksumError,
    ApiConnectionError,
    ApiNotFoundError,
    ApiUsageError,
    DagyClient,
    Timeouts,
)
from dagy_client.testing import (
    AnswerCut,
    AnsweredInstead,
    AnswerLost,
    FakeClock,
    FakeServer,
    Script,
)
from dagy_types.errors import ArtifactError, NotFoundError

Connect = Callable[..., Any]
Scripted = Callable[..., DagyClient]
DATA = bytes(range(256)) * 1000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "flow.zip"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "flow.zip"


def test_an_upload_says_its_size_and_hash_first(
    connect: Connect, server: FakeServer, archive: Path
) -> None:
    connect().artifacts.upload(archive)
    headers = server.requests[0].headers
    assert headers["content-length"] == str(len(DATA))
    assert headers["x-content-sha256"] == sha256(DATA).hexdigest()
    assert headers["content-type"] == "application/octet-stream"
    assert "transfer-encoding" not in headers


def test_an_upload_begins_again_when_its_answer_is_lost(
    connect: Connect, server: FakeServer, archive: Path
) -> None:
    server.faults.append(AnswerLost())
    client = connect()
    kept = client.artifacts.upload(archive)
    first, second = server.requests
    assert first.body == second.body == DATA
    assert kept.artifact_id == "art_1"


def test_an_upload_of_nothing_works(connect: Connect, server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert connect().artifacts.upload(tmp_path / "empty").size_bytes == 0
    assert server.requests[0].headers["content-length"] == "0"


def test_a_file_that_is_not_there_is_named(connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no .*flow\.zip"):
        connect().artifacts.upload(tmp_path / "flow.zip")


@pytest.mark.parametrize("change", [b"", DATA[:-1], DATA + b"x"])
def test_a_file_that_changes_while_it_is_sent_is_an_error(
    connect: Connect, archive: Path, change: bytes
) -> None:
    client = connect(
        auth=TokenThat(lambda: archive.write_bytes(change))
    )  # between the hash and the first byte
    with pytest.raises(ArtifactError, match="was changed while it was sent"):
        client.artifacts.upload(archive)


class TokenThat:
    """A token source that does something else first."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.action = action

    def token(self, url: str) -> str:
        self.action()
        return "dagy_at_fake"

    def reject(self, token: str) -> None: ...


def test_a_server_that_keeps_something_else_is_found_out(scripted: Scripted, archive: Path) -> None:
    kept = {"artifact_id": "a1", "sha256": "0" * 64, "size_bytes": 5}
    with pytest.raises(ApiChecksumError, match="has not kept") as caught:
        scripted(Script(httpx.Response(201, json=kept))).artifacts.upload(archive)
    assert caught.value.request_id is not None


def test_an_upload_is_in_memory_only_in_part(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024)

    class Swallowing(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert isinstance(request.stream, httpx.SyncByteStream)
            size = sum(len(chunk) for chunk in request.stream)
            kept = {
                "artifact_id": "a1",
                "sha256": request.headers["X-Content-SHA256"],
                "size_bytes": size,
            }
            return httpx.Response(201, json=kept)

    with DagyClient("https://a.test", transport=Swallowing()) as client:
        tracemalloc.start()
        assert client.artifacts.upload(path).size_bytes == 64 * 1024 * 1024
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


def test_a_download_goes_on_where_it_was_cut(
    connect: Connect, server: FakeServer, target: Path
) -> None:
    server.add_artifact("a1", DATA)
    server.faults.extend([AnswerCut(100_000), AnswerCut(50_000)])
    connect().artifacts.download("a1", target)
    assert target.read_bytes() == DATA
    ranges = [request.headers.get("range") for request in server.requests]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert server.requests[1].headers["if-range"] == f'"{sha256(DATA).hexdigest()}"'
    assert [path.name for path in target.parent.iterdir()] == ["flow.zip"]


def test_a_download_goes_on_where_an_earlier_call_stopped(
    connect: Connect, server: FakeServer, target: Path
) -> None:
    server.add_artifact("a1", DATA)
    server.faults.extend([AnswerCut(100_000), *[AnswerCut(0)] * 9])
    client = connect()
    with pytest.raises(ApiConnectionError, match="broke the connection off"):
        client.artifacts.download("a1", target)
    assert not target.exists()
    server.faults.clear()
    server.requests.clear()
    client.artifacts.download("a1", target)
    assert target.read_bytes() == DATA
    assert [each.headers.get("range") for each in server.requests] == ["bytes=100000-"]


def test_a_beginning_that_is_not_of_this_archive_is_thrown_away(
    connect: Connect, server: FakeServer, target: Path
) -> None:
    server.add_artifact("a1", b"x" * len(DATA))
    server.faults.extend([AnswerCut(100_000), *[AnswerCut(0)] * 9])
    client = connect()
    with pytest.raises(ApiConnectionError):
        client.artifacts.download("a1", target)
    server.faults.clear()
    server.add_artifact("a1", DATA)
    client.artifacts.download("a1", target)
    assert target.read_bytes() == DATA


def test_a_beginning_that_is_too_long_is_thrown_away(
    connect: Connect, server: FakeServer, target: Path
) -> None:
    server.add_artifact("a1", DATA)
    server.faults.extend([AnswerCut(100_000), *[AnswerCut(0)] * 9])
    client = connect()
    with pytest.raises(ApiConnectionError):
        client.artifacts.download("a1", target)
    server.faults.clear()
    server.add_artifact("a1", b"short")
    client.artifacts.download("a1", target)
    assert target.read_bytes() == b"short"


def test_an_archive_that_changed_on_the_way_never_gets_its_name(
    scripted: Scripted, target: Path
) -> None:
    """HTTP-21."""
    target.write_bytes(b"what was there before")
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": "4",
        "X-Content-SHA256": sha256(DATA).hexdigest(),
    }
    script = Script(httpx.Response(200, headers=headers, content=b"evil"))
    with pytest.raises(ApiChecksumError, match="'a1' has changed on its way"):
        scripted(script).artifacts.download("a1", target)
    assert target.read_bytes() == b"what was there before"
    assert [path.name for path in target.parent.iterdir()] == ["flow.zip"]


@pytest.mark.parametrize(
    ("status", "headers", "what"),
    [
        (200, {"Content-Length": "1"}, "does not say the SHA-256"),
        (200, {"Content-Length": "1", "X-Content-SHA256": "zz"}, "does not say the SHA-256"),
        (200, {"X-Content-SHA256": "0" * 64}, "does not say the size"),
        (206, {"X-Content-SHA256": "0" * 64}, "not the part that was asked for"),
        (
            206,
            {"X-Content-SHA256": "0" * 64, "Content-Range": "bytes 5-9/10"},
            "not the part that was asked for",
        ),
    ],
)
def test_an_answer_that_says_too_little_is_refused(
    scripted: Scripted, target: Path, status: int, headers: dict[str, str], what: str
) -> None:
    stream = httpx.ByteStream(b"x")
    script = Script(httpx.Response(status, headers=headers, stream=stream))
    with pytest.raises(ApiAnswerError, match=what):
        scripted(script).artifacts.download("a1", target)
    assert not target.exists()


def test_what_is_not_there_leaves_nothing_behind(connect: Connect, target: Path) -> None:
    with pytest.raises(ApiNotFoundError, match="No such artifact: 'a1'"):
        connect().artifacts.download("a1", target)
    assert list(target.parent.iterdir()) == []


def test_a_refused_range_without_a_beginning_is_an_error(
    connect: Connect, server: FakeServer, target: Path
) -> None:
    server.faults.append(AnsweredInstead(416))
    with pytest.raises(ApiUsageError, match="416"):
        connect().artifacts.download("a1", target)


def test_a_directory_that_is_not_there_is_named(
    connect: Connect, server: FakeServer, tmp_path: Path
) -> None:
    server.add_artifact("a1", DATA)
    with pytest.raises(NotFoundError, match=r"There is no .*missing"):
        connect().artifacts.download("a1", tmp_path / "missing" / "flow.zip")


def test_an_archive_that_is_a_directory_here_is_an_error(
    connect: Connect, server: FakeServer, target: Path
) -> None:
    server.add_artifact("a1", DATA)
    target.mkdir()
    with pytest.raises(ArtifactError, match="cannot be read or written"):
        connect().artifacts.download("a1", target)


def test_a_transfer_that_lasts_too_long_is_ended(
    scripted: Scripted, clock: FakeClock, target: Path
) -> None:
    """HTTP-04."""

    class Dripping(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                clock.seconds += 1.0
                yield b"x"

    headers = {"Content-Length": "9999", "X-Content-SHA256": "0" * 64}
    script = Script(httpx.Response(200, headers=headers, stream=Dripping()))
    client = scripted(script, timeouts=Timeouts(transfer=100.0))
    with pytest.raises(ApiConnectionError, match="did not answer in time"):
        client.artifacts.download("a1", target)
    assert not target.exists()


def test_the_archive_is_asked_for_uncompressed(
    connect: Connect, server: FakeServer, target: Path
) -> None:
    server.add_artifact("a1", DATA)
    connect().artifacts.download("a1", target)
    assert server.requests[0].headers["accept-encoding"] == "identity"
