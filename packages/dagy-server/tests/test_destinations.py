from __future__ import annotations

import pytest

from dagy_server.pages.destinations import safe_destination


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/device",
        "/device?user_code=WDJB-MJHT",
        "/oauth/authorize?client_id=dagy-cli&state=%2F",
    ],
)
def test_a_page_of_this_server_is_a_destination(path: str) -> None:
    assert safe_destination(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://evil.example/",
        "//evil.example/",
        "//evil.example/device",
        "///evil.example/device",
        "////device",
        "/\\evil.example/device",
        "\\\\evil.example/device",
        "/device\\@evil.example",
        "/device?x=\\",
        "https:/device",
        "https:device",
        "javascript:alert(1)",
        "/device#x",
        "device",
        "/api-keys",
        "/sign-out",
        "/device/../api-keys",
        "/%2e%2e/device",
        "/device\r\nSet-Cookie: x=y",
        "\t/device",
        " /device",
        "/device?x= y",
        "/déviče",
        "/device?" + "x" * 9_000,
        "http://[/device",
        "//[/device",
    ],
)
def test_nothing_else_is_and_the_browser_goes_home(text: str) -> None:
    assert safe_destination(text) == "/"
