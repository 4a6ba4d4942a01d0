from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dagy_server.hosts import is_known_host
from dagy_server.settings import Settings

_SETTINGS = Settings(
    data_directory=Path("/nowhere"),
    host="build-7",
    public_url="https://Dagy.example.com:8443",
    allowed_hosts=("dagy.internal",),
)


@pytest.mark.parametrize(
    "header",
    [
        "127.0.0.1:8000",
        "127.0.0.1",
        "localhost",
        "LOCALHOST:1",
        "localhost.",
        "[::1]:8000",
        "10.1.2.3",
        "build-7",
        "dagy.example.com",
        "dagy.internal:80",
    ],
)
def test_sec_07_a_server_knows_its_names_and_every_address(header: str) -> None:
    assert is_known_host(header, _SETTINGS)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example.com",
        "localhost.evil.example.com",
        "127.0.0.1.evil.example.com",
        "user@localhost",
        "localhost/",
        "localhost:80:80",
        "localhost:x",
        "[::1",
        "[localhost]",
        "localhost\r\nX: y",
        "\uff4cocalhost",
    ],
)
def test_sec_07_a_server_is_not_called_by_other_names(header: str) -> None:
    assert not is_known_host(header, _SETTINGS)


def test_sec_07_dns_rebinding_gets_no_answer(client: Any, owner: Any) -> None:
    for path in ("/health", "/me", "/sign-in"):
        answer = client.get(path, headers={**owner.headers, "Host": "evil.example.com"})
        assert answer.status_code == 421
        assert "owner@example.com" not in answer.text
