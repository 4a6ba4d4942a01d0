"""The programs in the README work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import dagy_auth
from dagy_auth import CredentialStores
from dagy_auth.testing import FakeProvider
from dagy_types import errors

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_the_session_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("SSH_TTY", "/dev/pts/0")
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(
        dagy_auth,
        "CredentialStores",
        lambda directory, service: CredentialStores(tmp_path, storage="file"),
        raising=False,
    )
    with FakeProvider() as provider:
        program = PROGRAMS[0].replace('client_id="weather"', f'client_id="{provider.client_id}"')
        for host in ("https://login.example.com", "https://api.example.com"):
            program = program.replace(host, provider.issuer)
        variables: dict[str, Any] = {}
        exec(program, variables)
        assert variables["token"].startswith("dagy_at_")
        assert not provider.accepts(variables["token"])  # logged out
    shown = capsys.readouterr()
    assert shown.out.startswith("Logged in as user@example.com in /")
    assert "/device WDJB-MJHT" in shown.err


def test_the_test_of_the_readme_passes() -> None:
    exec(PROGRAMS[1], {})


def test_every_name_in_the_readme_is_there() -> None:
    names = set(re.findall(r"`([A-Za-z]\w+)(?:\(.*?\))?`", README))
    known = {*dagy_auth.__all__, *vars(errors)}
    others = {"explicit", "prefix", "message", "hint", "tokens", "repr", "DAGY_TOKEN"}
    assert names - known - others == {"DAGY_TOKEN_FILE"}
