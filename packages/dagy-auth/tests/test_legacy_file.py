from __future__ import annotations

from pathlib import Path

import pytest

from dagy_auth import Secret
from dagy_auth._legacy_file import read_legacy_token
from dagy_types.errors import CredentialStoreError


def _write(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_a_bare_token_is_read(tmp_path: Path) -> None:
    assert read_legacy_token(_write(tmp_path / "credentials", "ey.J0-_~\n")) == Secret("ey.J0-_~")


def test_no_file_and_an_empty_one_are_no_token(tmp_path: Path) -> None:
    assert read_legacy_token(tmp_path / "credentials") is None
    assert read_legacy_token(_write(tmp_path / "credentials", " \n")) is None


@pytest.mark.parametrize("text", ["two tokens", "a\nb", "tökén", "a\0b"])
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CredentialStoreError, match="is damaged"):
        read_legacy_token(_write(tmp_path / "credentials", text))


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "credentials", "token")
    path.chmod(0o644)
    with pytest.raises(CredentialStoreError, match="by others"):
        read_legacy_token(path)
