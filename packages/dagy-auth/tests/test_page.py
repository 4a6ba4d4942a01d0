from __future__ import annotations

import pytest

from dagy_auth._page import page


@pytest.mark.parametrize("status", [200, 400, 403, 404, 405, 409, 431])
def test_a_page_needs_nothing_and_tells_nobody(status: int) -> None:
    """AUTH-13"""
    head, _, body = page(status).decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    assert "Referrer-Policy: no-referrer" in lines
    assert "Cache-Control: no-store" in lines
    assert (
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
        in (lines)
    )
    assert f"Content-Length: {len(body)}" in lines
    assert not any(each in body for each in ("http:", "https:", "//", "src=", "href=", "<script"))
    assert len(body) < 500


def test_a_page_says_whether_that_was_the_login() -> None:
    assert b"You can close this window now" in page(200)
    assert b"not the answer to a login" in page(403)
