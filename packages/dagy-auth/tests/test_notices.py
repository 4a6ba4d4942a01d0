from __future__ import annotations

from dagy_auth import EnterCode, OpenUrl
from dagy_auth._notices import ignore


def test_a_notice_can_be_logged_and_what_it_is_about_is_not_seen() -> None:
    """AUTH-06: the URL of a login has its state, and a code is as good as a login."""
    url = OpenUrl(url="https://login.example.com/?state=canary", is_opening=True)
    code = EnterCode(
        url="https://login.example.com/device",
        user_code="canary",
        complete_url="https://login.example.com/device?user_code=canary",
        expires_in_seconds=900.0,
    )
    assert "canary" not in repr(url) + str(code)


def test_nobody_need_be_told() -> None:
    ignore(OpenUrl(url="https://login.example.com/", is_opening=False))
