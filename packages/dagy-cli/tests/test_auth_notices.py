from __future__ import annotations

import io

import pytest

from dagy_auth import EnterCode, Notice, OpenUrl, Waiting, Warned
from dagy_cli.auth_notices import notices_on
from dagy_cli.console import Console

URL = "https://login.example.com/authorize?state=s"
CODE = EnterCode(
    url="https://login.example.com/device",
    user_code="WDJB-MJHT",
    complete_url=None,
    expires_in_seconds=900,
)


def _shown(notice: Notice, *, is_quiet: bool = False, takes_pasted_url: bool = False) -> str:
    stream = io.StringIO()
    console = Console(io.StringIO(), stream, environ={}, is_quiet=is_quiet)
    notices_on(console, takes_pasted_url=takes_pasted_url)(notice)
    return stream.getvalue()


def test_the_url_stands_alone_on_its_line() -> None:
    lines = _shown(OpenUrl(url=URL, is_opening=False)).splitlines()
    assert lines[0] == "Open this URL in a browser:"
    assert URL in lines
    assert lines[-1] == "Waiting for the browser. Ctrl-C stops."


def test_it_is_shown_though_a_browser_is_opened() -> None:
    shown = _shown(OpenUrl(url=URL, is_opening=True))
    assert shown.startswith("Opening the browser. If none appears, open this URL in it:\n")
    assert URL in shown


def test_where_a_url_can_be_pasted_that_is_said() -> None:
    shown = _shown(OpenUrl(url=URL, is_opening=False), takes_pasted_url=True)
    assert "paste the URL of that page here" in shown


def test_the_code_is_shown_with_the_time_it_is_good_for() -> None:
    shown = _shown(CODE)
    assert "Open https://login.example.com/device in a browser on any device" in shown
    assert "enter the code: WDJB-MJHT (good for 15 m 00 s)\n" in shown


def test_a_url_that_has_the_code_is_shown_too() -> None:
    complete = EnterCode(
        url=CODE.url,
        user_code=CODE.user_code,
        complete_url="https://login.example.com/device?c=WDJB",
        expires_in_seconds=60,
    )
    assert "https://login.example.com/device?c=WDJB\n" in _shown(complete)


@pytest.mark.parametrize(
    ("notice", "shown"),
    [
        (Waiting(seconds=10, reason="It is away."), "It is away. Asking again in 10 s.\n"),
        (Warned(message="It is odd.", hint="Look."), "warning: It is odd. Look.\n"),
    ],
)
def test_other_notices_are_one_line(notice: Notice, shown: str) -> None:
    assert _shown(notice) == shown


def test_quiet_shows_what_no_login_can_do_without() -> None:
    assert URL in _shown(OpenUrl(url=URL, is_opening=True), is_quiet=True)
    assert "WDJB-MJHT" in _shown(CODE, is_quiet=True)
    assert _shown(Warned(message="It is odd.", hint="Look."), is_quiet=True)
    assert not _shown(Waiting(seconds=1, reason="x"), is_quiet=True)
