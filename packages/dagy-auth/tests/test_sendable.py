from __future__ import annotations

import pytest

from dagy_auth import Secret
from dagy_auth._sendable import host_of, require_sendable
from dagy_types.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://login.example.com/token", "login.example.com"),
        ("https://login.example.com:8443", "login.example.com:8443"),
        ("http://localhost:1/x", "localhost:1"),
        ("http://127.0.0.2:1/x", "127.0.0.2:1"),
        ("http://[::1]:1/x", "[::1]:1"),
    ],
)
def test_secrets_may_go_over_https_and_to_this_machine(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    "url",
    ["https://x.example.com/\x1b[2J", "https://x.example.com/a b", "https://x.example.com/\n"],
)
def test_a_url_that_would_not_look_as_it_is_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="characters that no URL has") as caught:
        host_of(url)
    assert str(caught.value).isprintable()


def test_what_a_token_is_made_of_can_be_sent() -> None:
    require_sendable(Secret("dagy_at_1.2-3~/+="))
