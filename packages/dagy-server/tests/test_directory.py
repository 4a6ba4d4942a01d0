from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dagy_server.directory import DataDirectory
from dagy_types.errors import ConflictError, StoreError


def test_orch_24_a_directory_is_private_and_one_server_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "server"
    first = DataDirectory(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    with pytest.raises(ConflictError, match="Another server uses") as refused:
        DataDirectory(path)
    assert refused.value.hint == "Stop it, or give another --data-dir."
    first.close()
    first.close()
    DataDirectory(path).close()


def test_the_secret_is_made_once_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    secret = directory.secret()
    assert len(secret) == 64
    assert directory.secret() == secret
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    directory.close()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_a_damaged_secret_is_not_replaced_in_silence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    directory = DataDirectory(tmp_path)
    with pytest.raises(StoreError):
        directory.secret()
    directory.close()
    assert (tmp_path / "secret.key").read_bytes() == content


def test_a_place_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        DataDirectory(tmp_path / "file")
